//! A reader of transcripts as plain as the rules: every line is parsed whole, nothing is remembered between two
//! readings, and a call is made out of all its tellings at once. It shares no code with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Call, price};

pub type Object = Map<String, Value>;

/// The bytes of all transcripts, by their path below `projects/`.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

const HOUR_US: i64 = 3_600_000_000;
const COUNT_MAX: u64 = 1_000_000_000_000;

/// One line's word on a call.
struct UsageChange {
    /// The line is a fork's copy of another session's.
    copied: bool,
    call: Call,
}

/// All calls that files hold at `now`.
pub fn read(files: &Files, now: Timestamp) -> BTreeMap<String, Call> {
    let mut told: BTreeMap<String, Vec<UsageChange>> = BTreeMap::new();
    for (path, bytes) in files {
        let place = |session: &str| project(files, path, session);
        for telling in objects(bytes).iter().flat_map(|line| tellings(line, &place, now)) {
            told.entry(telling.call.key.clone()).or_default().push(telling);
        }
    }
    let priced = |call: Call| Call { cost: price::cost(&call), ..call };
    told.into_iter().map(|(key, tellings)| (key, priced(merged(&tellings)))).collect()
}

/// Where a session of a file began: in a subagent's file, where the main one says.
pub fn project(files: &Files, path: &Path, session: &str) -> String {
    let main = main_file(path).and_then(|main| files.get(&main));
    let begun = main.and_then(|main| first_cwd(main, session));
    begun.or_else(|| first_cwd(&files[path], session)).unwrap_or_default()
}

/// `<dir>/<session>.jsonl` of `<dir>/<session>/subagents/**/x.jsonl`.
fn main_file(path: &Path) -> Option<PathBuf> {
    let session = path.ancestors().find(|above| above.ends_with("subagents"))?.parent()?;
    Some(session.with_file_name(format!("{}.jsonl", session.file_name()?.to_str()?)))
}

/// The first directory that the session's own lines name, else the first of all lines.
fn first_cwd(bytes: &[u8], session: &str) -> Option<String> {
    let lines = objects(bytes);
    let named: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| Some((text(line, "sessionId").unwrap_or(""), text(line, "cwd")?)))
        .filter(|(_, cwd)| !cwd.is_empty())
        .collect();
    let own = named.iter().find(|(of, _)| *of == session && !session.is_empty());
    own.or(named.first()).map(|(_, cwd)| (*cwd).to_owned())
}

/// The sessions that a file's lines name, as far as they could be calls'.
pub fn sessions(bytes: &[u8]) -> BTreeSet<String> {
    let lines = objects(bytes);
    let calls = lines.iter().filter(|line| line.contains_key("message") || line.contains_key("data"));
    calls.filter_map(|line| text(line, "sessionId")).map(str::to_owned).collect()
}

/// The lines that are JSON objects.
fn objects(bytes: &[u8]) -> Vec<Object> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// What a line tells: its call and those within it, or nothing.
fn tellings(line: &Object, project: &dyn Fn(&str) -> String, now: Timestamp) -> Vec<UsageChange> {
    let told = match line.get("type") {
        None | Some(Value::Null) => Some((line, false)),
        Some(kind) if kind == "assistant" => Some((line, false)),
        Some(kind) if kind == "progress" => {
            let inner = line.get("data").and_then(|data| data.get("message")).and_then(Value::as_object);
            inner.filter(|inner| text(inner, "type") == Some("assistant")).map(|inner| (inner, true))
        }
        Some(_) => None,
    };
    told.and_then(|(told, is_progress)| calls(told, line, is_progress, project, now)).unwrap_or_default()
}

/// `outer` is the line itself, or the `progress` line around it; `None` where it is no call or is refused.
fn calls(
    line: &Object,
    outer: &Object,
    is_progress: bool,
    project: &dyn Fn(&str) -> String,
    now: Timestamp,
) -> Option<Vec<UsageChange>> {
    let message = line.get("message")?.as_object()?;
    let usage = message.get("usage")?.as_object()?;
    let model = text(message, "model").unwrap_or_default();
    if model == "<synthetic>" {
        return None;
    }
    let key = text(message, "id").or_else(|| text(line, "uuid"))?;
    let at_us = instant(either(line, outer, "timestamp")?)?;
    if at_us > now.as_microsecond() + HOUR_US {
        return None;
    }
    let session = either(line, outer, "sessionId").and_then(Value::as_str).unwrap_or_default();
    let origin = line.get("forkedFrom").and_then(|from| from.get("sessionId")).and_then(Value::as_str);
    let origin = origin.filter(|origin| !origin.is_empty() && *origin != session);
    let call = Call {
        key: key.to_owned(),
        model: model.to_owned(),
        project: project(session),
        session: origin.unwrap_or(session).to_owned(),
        sidechain: is_progress || line.get("isSidechain").and_then(Value::as_bool).unwrap_or(false),
        tier: word(usage, "service_tier", &["standard", "default", "standard_only"]),
        speed: word(usage, "speed", &["standard"]),
        geo: word(usage, "inference_geo", &["global", "not_available"]),
        at_us,
        tokens: tokens(usage),
        cost: None,
    };
    let mut told = vec![call.clone()];
    for (index, kind, element) in iterations(usage) {
        told.push(Call {
            key: format!("{key}#{kind}:{index}"),
            model: text(element, "model").unwrap_or(model).to_owned(),
            tokens: tokens(element),
            ..call.clone()
        });
    }
    Some(told.into_iter().map(|call| UsageChange { copied: origin.is_some(), call }).collect())
}

/// The inner value where it is told, else the outer one.
fn either<'a>(line: &'a Object, outer: &'a Object, name: &str) -> Option<&'a Value> {
    [line, outer].into_iter().filter_map(|object| object.get(name)).find(|value| !value.is_null())
}

/// A word as it is written; the ordinary ones are none.
fn word(usage: &Object, name: &str, ordinary: &[&str]) -> String {
    let word = text(usage, name).unwrap_or_default();
    if ordinary.contains(&word) { String::new() } else { word.to_owned() }
}

/// Microseconds since the epoch.
fn instant(value: &Value) -> Option<i64> {
    let at_us = match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            match whole {
                Some(whole) => microseconds(whole),
                None => fractional_microseconds(number.as_f64()?),
            }
        }
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            microseconds(text.parse().ok()?)
        }
        Value::String(text) => {
            // Without an offset it is UTC.
            let at = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
            i128::from(at.as_microsecond())
        }
        _ => return None,
    };
    i64::try_from(at_us).ok()
}

/// By its size a number is seconds, milliseconds, microseconds or nanoseconds.
fn microseconds(number: i128) -> i128 {
    match number.abs() {
        size if size < 100_000_000_000 => number * 1_000_000,
        size if size < 100_000_000_000_000 => number * 1_000,
        size if size < 100_000_000_000_000_000 => number,
        _ => number / 1_000,
    }
}

fn fractional_microseconds(number: f64) -> i128 {
    let factor = match number.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1.0,
        _ => 1e-3,
    };
    (number * factor) as i128
}

/// Input, output, cache writes of five minutes and of an hour, cache reads, searches.
fn tokens(usage: &Object) -> [u64; 6] {
    let total = count(usage.get("cache_creation_input_tokens"));
    let (five, hour) = match usage.get("cache_creation").and_then(Value::as_object) {
        None => (total, 0),
        Some(split) => {
            let five = count(split.get("ephemeral_5m_input_tokens"));
            let hour = count(split.get("ephemeral_1h_input_tokens"));
            (five + total.saturating_sub(five + hour), hour)
        }
    };
    let tools = usage.get("server_tool_use").and_then(Value::as_object);
    [
        count(usage.get("input_tokens")),
        count(usage.get("output_tokens")),
        five,
        hour,
        count(usage.get("cache_read_input_tokens")),
        tools.map_or(0, |tools| count(tools.get("web_search_requests"))),
    ]
}

/// What is not a count is none.
fn count(value: Option<&Value>) -> u64 {
    let count = match value {
        Some(Value::Number(number)) => number.as_u64().or_else(|| {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0);
            whole.map(|number| number as u64)
        }),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    count.filter(|count| *count <= COUNT_MAX).unwrap_or(0)
}

/// The elements of `usage.iterations` that are calls of their own: index, type, element.
fn iterations(usage: &Object) -> Vec<(usize, &str, &Object)> {
    let is_known = |kind: &str| matches!(kind, "message" | "fallback" | "advisor_message" | "compaction");
    let elements = usage.get("iterations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let elements: Vec<_> = elements
        .iter()
        .enumerate()
        .filter_map(|(index, element)| Some((index, element.as_object()?)))
        .filter_map(|(index, element)| Some((index, text(element, "type")?, element)))
        .collect();
    let (mut messages, mut both) = ([0; 4], [0; 4]);
    for (_, kind, element) in &elements {
        if *kind == "message" {
            messages = plus(messages, four(element));
        }
        if *kind == "message" || !is_known(kind) {
            both = plus(both, four(element));
        }
    }
    let are_inside = both == four(usage) && messages != four(usage);
    elements
        .into_iter()
        .filter(|(_, kind, _)| match *kind {
            "message" | "fallback" => false,
            "advisor_message" | "compaction" => true,
            _ => !are_inside,
        })
        .collect()
}

/// Input, output, cache reads, all cache writes.
fn four(usage: &Object) -> [u64; 4] {
    let [input, output, five, hour, read, _] = tokens(usage);
    [input, output, read, five + hour]
}

fn plus(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}

/// One call of all its tellings.
fn merged(tellings: &[UsageChange]) -> Call {
    let least = tellings.iter().min_by(|a, b| rank(a).cmp(&rank(b))).unwrap();
    let written = greatest(tellings, |tokens| tokens[2] + tokens[3]);
    let hour = greatest(tellings, |tokens| tokens[3]);
    Call {
        at_us: tellings.iter().map(|telling| telling.call.at_us).min().unwrap(),
        tokens: [
            greatest(tellings, |tokens| tokens[0]),
            greatest(tellings, |tokens| tokens[1]),
            written - hour,
            hour,
            greatest(tellings, |tokens| tokens[4]),
            greatest(tellings, |tokens| tokens[5]),
        ],
        ..least.call.clone()
    }
}

fn greatest(tellings: &[UsageChange], of: impl Fn(&[u64; 6]) -> u64) -> u64 {
    tellings.iter().map(|telling| of(&telling.call.tokens)).max().unwrap()
}

/// Of the least telling are all attributes.
fn rank(telling: &UsageChange) -> (bool, i64, bool, [&str; 6]) {
    let call = &telling.call;
    let names = [&call.session, &call.model, &call.tier, &call.speed, &call.geo, &call.project];
    (telling.copied, call.at_us, call.sidechain, names.map(String::as_str))
}
