//! Input of a running supervisor: from hooks, assistants, exporters and Twilio.

use std::io::Write;

use mecris::domain::gate::Verdict;
use mecris::domain::money::Picodollars;
use mecris::domain::quota::WHOLE;
use mecris::domain::shown::{is_control, seen};
use mecris::domain::telemetry_usage::counter::Counter;
use mecris::domain::tokens::MAX_COUNT;
use mecris::fuzzing::{self, NOW};
use mecris::http::size::MAX_BODY;
use mecris::integration::claude_code::hook::{HookAnswer, HookCall};
use mecris::integration::claude_code::loose::TEXT_MAX;
use mecris::integration::claude_code::status_line::StatusCall;
use mecris::integration::claude_code::telemetry::{self, Reading};
use mecris::integration::otlp::{self, BYTES_MAX, Encoding};
use mecris::integration::twilio::webhook::{Delivery, Inbound, is_genuine, signature};
use mecris::mcp::answers::Answers;
use mecris::mcp::args;
use mecris::mcp::clean::Clean;
use mecris::mcp::page::{self, Cursor};
use mecris::mcp::rows::Given;
use mecris::service::balances::quota::QuotaBody;
use mecris::service::budgets::gate::StatuslineBody;
use mecris::service::usage::manual::ToldBody;
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body for the API: an accepted body is what its handler parses, and what it parsed is accepted again.
pub fn api_body(data: &[u8]) {
    // A longer one is refused before it is read.
    let data = &data[..data.len().min(MAX_BODY)];
    for (index, (is_let_in, read)) in fuzzing::api_bodies(data).into_iter().enumerate() {
        assert_eq!(is_let_in, read.is_some());
        let Some(read) = read else { continue };
        let again = serde_json::to_vec(&read).expect("JSON is JSON");
        assert_eq!(fuzzing::api_bodies(&again)[index], (true, Some(read)));
    }
}

/// A hook's call, and each response to it.
pub fn hook(data: &[u8]) {
    let strict = serde_json::from_slice::<HookCall>(data).ok();
    let read = HookCall::read(data);
    // What a strict reader finds, this one finds as well.
    if let Some(strict) = &strict {
        let same =
            |of: Option<&String>| of.filter(|text| !text.is_empty() && text.len() <= TEXT_MAX).cloned();
        let found = read.clone().unwrap_or_default();
        if let Some(session) = same(strict.session_id.as_ref()) {
            assert_eq!(found.session_id, Some(session));
        }
        if let Some(cwd) = same(strict.cwd.as_ref()) {
            assert_eq!(found.cwd, Some(cwd));
        }
    }
    let Some(call) = read.or(strict) else { return };
    assert!(
        [&call.session_id, &call.cwd, &call.project_dir]
            .into_iter()
            .flatten()
            .all(|text| text.len() <= TEXT_MAX)
    );
    let told = serde_json::to_vec(&call).expect("a call is JSON");
    assert_eq!(serde_json::from_slice::<HookCall>(&told).ok(), Some(call.clone()));
    for verdict in [Verdict::Allow, Verdict::Warn, Verdict::Block] {
        let answer = HookAnswer::to(&call.hook_event_name, verdict, "why", "ask");
        assert_eq!(answer.is_silent(), verdict == Verdict::Allow);
        let said = serde_json::to_string(&answer).expect("an answer is JSON");
        assert_eq!(serde_json::from_str::<HookAnswer>(&said).ok(), Some(answer));
    }
}

/// A response at the supervisor's socket: an accepted one is complete.
pub fn hook_answer(data: &[u8]) {
    let (answer, is_whole) = fuzzing::hook_answer(data);
    if let Some((_, body)) = answer {
        assert!(is_whole && body.len() <= data.len());
    }
}

/// The status line's call, and its percentages.
pub fn status_line(data: &[u8]) {
    if let Some(call) = StatusCall::parse(data) {
        assert!(call.session_cost.is_none_or(|cost| cost >= Picodollars::ZERO));
        let body = StatuslineBody::from(call);
        let sent = serde_json::to_vec(&body).expect("a body is JSON");
        assert_eq!(serde_json::from_slice::<StatuslineBody>(&sent).ok(), Some(body));
    }
    if let Ok(body) = serde_json::from_slice::<QuotaBody>(data) {
        let readings = body.into_readings().unwrap_or_default();
        assert!(readings.iter().all(|reading| reading.used <= WHOLE));
    }
}

/// Answers with its input.
#[derive(Clone)]
struct Echo;

impl Answers for Echo {
    async fn call(&self, _: &str, arguments: Value) -> Result<Value, String> {
        match arguments {
            Value::String(text) => Err(text),
            other => Ok(other),
        }
    }

    async fn changed(&mut self) {}
}

/// A longer message is refused before it is read.
const MESSAGE_MAX: usize = 64 * 1024;

fn reads<T: DeserializeOwned>(arguments: &Value) -> bool {
    serde_json::from_value::<T>(arguments.clone()).is_ok()
}

/// A message of an assistant's, its arguments as every tool takes them, and an answer with those texts in it.
pub fn mcp(data: &[u8]) {
    if data.len() > MESSAGE_MAX {
        return;
    }
    let Some(arguments) = fuzzing::mcp_arguments(data) else { return };
    let readers: [fn(&Value) -> bool; 15] = [
        reads::<args::Nothing>,
        reads::<args::RecentUsage>,
        reads::<args::Day>,
        reads::<args::Days>,
        reads::<args::Reconcile>,
        reads::<args::Reported>,
        reads::<args::UpdateBudget>,
        reads::<args::AddGoal>,
        reads::<args::CompleteGoal>,
        reads::<args::Explain>,
        reads::<args::Acknowledge>,
        reads::<args::Tasks>,
        reads::<args::Reading>,
        reads::<args::LogSession>,
        reads::<ToldBody>,
    ];
    readers.iter().filter(|reader| reader(&arguments)).count();
    for tool in mecris::mcp::tools::TOOLS {
        // What is taken as meant is taken as it is the next time.
        if let Ok(meant) = mecris::mcp::tools::as_meant(tool.name, arguments.clone()) {
            assert_eq!(mecris::mcp::tools::as_meant(tool.name, Value::Object(meant.clone())), Ok(meant));
        }
    }
    let whole = Given { answer: arguments.clone(), window: None };
    let cursor = arguments.get("cursor").and_then(Value::as_str).and_then(|text| Cursor::parse(text).ok());
    if let Ok(page) = page::page(whole, 1, cursor) {
        assert!(page.to_string().len() <= page::PAGE_MAX);
    }
    let answer = futures_util::FutureExt::now_or_never(Clean(Echo).call("any", arguments));
    let said = match answer.expect("nothing is waited for") {
        Ok(answer) => mecris::mcp::small::small(answer),
        Err(reason) => Value::String(reason),
    };
    let mut open = vec![&said];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => is_clean(text),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                fields.keys().for_each(|key| is_clean(key));
                open.extend(fields.values());
            }
            _ => {}
        }
    }
}

fn is_clean(text: &str) {
    assert!(!text.chars().any(|c| is_control(c) && c != '\n' && c != '\t'), "{text:?}");
    assert_eq!(seen(text), text);
}

fn check(reading: &Reading, told: usize) {
    let names = |name: &str| assert!(name.len() <= 200 && !name.chars().any(char::is_control), "{name:?}");
    assert!(reading.export.calls.len() + reading.export.points.len() + reading.rejected as usize <= told);
    for call in &reading.export.calls {
        assert!(call.usage.tokens.counts().into_iter().all(|count| count <= MAX_COUNT));
        assert!(call.told_cost.is_none_or(|cost| cost >= Picodollars::ZERO));
        [&*call.usage.model, &*call.usage.session, &*call.usage.key.request_id, &*call.client_request_id]
            .into_iter()
            .for_each(names);
    }
    let mut counter = Counter::default();
    for point in &reading.export.points {
        names(&point.model);
        names(&point.session);
        assert!(counter.take(&point.point).is_none_or(|growth| growth >= 0));
    }
}

fn read(encoding: Encoding, body: &[u8]) {
    if let Ok(request) = otlp::logs(encoding, body) {
        let of_scopes = request.resource_logs.iter().flat_map(|of_one| &of_one.scope_logs);
        let reading = telemetry::logs(&request, NOW);
        check(&reading, of_scopes.map(|scope| scope.log_records.len()).sum());
        let again = otlp::logs(Encoding::Protobuf, &request.encode_to_vec())
            .map(|request| telemetry::logs(&request, NOW));
        assert_eq!(again.ok().map(|again| again.export.calls), Some(reading.export.calls));
    }
    if let Ok(request) = otlp::metrics(encoding, body) {
        let reading = telemetry::metrics(&request, NOW);
        check(&reading, usize::MAX);
        let again = otlp::metrics(Encoding::Protobuf, &request.encode_to_vec())
            .map(|request| telemetry::metrics(&request, NOW));
        assert_eq!(again.ok().map(|again| again.export.points), Some(reading.export.points));
    }
    let _ = otlp::traces(encoding, body);
}

/// OTLP as JSON: it means the same as in protobuf.
pub fn otlp_json(data: &[u8]) {
    read(Encoding::Json, data);
}

/// OTLP as protobuf.
pub fn otlp_protobuf(data: &[u8]) {
    read(Encoding::Protobuf, data);
}

/// Gzip: input is decompressed up to the limit, and never beyond.
pub fn otlp_gzip(data: &[u8]) {
    if let Ok(plain) = otlp::gunzip(data) {
        assert!(plain.len() <= BYTES_MAX);
        read(Encoding::Protobuf, &plain);
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(data).expect("a vector takes all");
    let packed = packed.finish().expect("a vector takes all");
    assert_eq!(otlp::gunzip(&packed).ok(), (data.len() <= BYTES_MAX).then(|| data.to_vec()));
}

/// A form that Twilio posts: only a signed one is accepted.
pub fn webhook(data: &[u8]) {
    const URL: &str = "https://mecris.example/webhooks/twilio/status?a=1";
    if data.len() > MESSAGE_MAX {
        return;
    }
    let Some(fields) = fuzzing::form(data) else { return };
    drop(Delivery::read(&fields));
    if let Some(inbound) = Inbound::read(&fields) {
        assert!(
            !format!("{inbound:?}").contains(&format!("{:?}", inbound.body)) || inbound.body == inbound.sid
        );
        assert!(Delivery::read(&fields).is_none(), "a message from a person is no callback");
    }
    let token = secrecy::SecretString::from("0123456789abcdef0123456789abcdef");
    let own = signature(&token, URL, &fields);
    assert!(is_genuine(&token, URL, &fields, &own));
    let mut changed = fields.clone();
    changed.push(("added".to_owned(), format!("{}", fields.len())));
    assert!(!is_genuine(&token, URL, &changed, &own));
    let given = fields.first().map_or("", |(_, value)| value);
    assert!(given.trim() == own || !is_genuine(&token, URL, &fields, given));
    let url = super::text(data);
    if !url.contains('#') {
        assert!(is_genuine(&token, &url, &fields, &signature(&token, &url, &fields)));
    }
}
