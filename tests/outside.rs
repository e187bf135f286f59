//! Each outside system's client against each way in which the system can fail.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mecris::config::{self, BaseUrl, Secret};
use mecris::integration::anthropic::Anthropic;
use mecris::integration::beeminder::{Beeminder, NewDatapoint};
use mecris::integration::resilience::breaker::{BreakerRule, BreakerState};
use mecris::integration::resilience::{OnBreaker, Outside, OutsideError, Policy};
use mecris::integration::twilio::{Credentials, MessageStatus, Outgoing, Sender, Twilio};
use secrecy::SecretString;

use crate::support::outside::front::Front;
use crate::support::outside::{Fault, anthropic, beeminder, twilio};

#[path = "outside/channels.rs"]
mod channels;
#[path = "outside/providers.rs"]
mod providers;

/// Short waits, so that a table of many failures does not take long; the rules are the same.
fn policy() -> Policy {
    Policy {
        connect: Duration::from_millis(800),
        each: Duration::from_millis(800),
        total: Duration::from_secs(10),
        tries: 3,
        pause: Duration::from_millis(5),
        wait_max: Duration::from_millis(1_500),
        body_max: 64 * 1024,
        at_once: 2,
        per_second: NonZeroU32::new(1_000).unwrap(),
        breaker: BreakerRule {
            failures: 6,
            open_for: Duration::from_millis(50),
            open_for_max: Duration::from_millis(100),
        },
    }
}

/// A client, one question that may be repeated, and its server.
struct Case {
    name: &'static str,
    front: Front,
    outside: Outside,
    ask: Box<dyn Fn() -> Asking>,
    changes: Arc<Mutex<Vec<BreakerState>>>,
    /// Whether the question may be sent again when its outcome is not known.
    repeats: bool,
}

type Asking = std::pin::Pin<Box<dyn Future<Output = Result<(), OutsideError>>>>;

fn listener() -> (OnBreaker, Arc<Mutex<Vec<BreakerState>>>) {
    let changes = Arc::new(Mutex::new(Vec::new()));
    let told = changes.clone();
    (Arc::new(move |_, state| told.lock().unwrap().push(state)), changes)
}

fn base(url: &str) -> BaseUrl {
    BaseUrl::parse(url).unwrap()
}

fn beeminder_client(
    server: &beeminder::Beeminder,
    token: &str,
) -> (Beeminder, Arc<Mutex<Vec<BreakerState>>>) {
    let (on_breaker, changes) = listener();
    let settings = config::Beeminder { api_base: base(&server.base()), ..config::Beeminder::default() };
    (Beeminder::new(&settings, &Secret::new(token), policy(), on_breaker).unwrap(), changes)
}

fn twilio_client(server: &twilio::Twilio, token: &str) -> (Twilio, Arc<Mutex<Vec<BreakerState>>>) {
    let (on_breaker, changes) = listener();
    let settings = config::Twilio { api_base: base(&server.front.url()), ..config::Twilio::default() };
    let credentials = Credentials {
        account_sid: twilio::ACCOUNT.into(),
        user: twilio::ACCOUNT.into(),
        secret: SecretString::from(token),
    };
    (Twilio::new(&settings, credentials, policy(), on_breaker).unwrap(), changes)
}

fn anthropic_client(server: &anthropic::Anthropic, key: &str) -> (Anthropic, Arc<Mutex<Vec<BreakerState>>>) {
    let (on_breaker, changes) = listener();
    let settings = config::Anthropic { api_base: base(&server.front.url()), ..config::Anthropic::default() };
    (Anthropic::with_key(&settings, &Secret::new(key), policy(), on_breaker).unwrap(), changes)
}

fn message(to: &str) -> Outgoing {
    let from = Sender::Number(twilio::FROM.into());
    Outgoing { to: to.into(), from, body: "marked-message-text".into(), status_callback: None }
}

/// Every client: with a question to read by, and the write that must never be sent twice.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let server = beeminder::Beeminder::start();
    server.world.lock().goal("spend", 2, 1_900_000_000);
    let (client, changes) = beeminder_client(&server, beeminder::TOKEN);
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        Box::pin(async move { client.goals().await.map(|goals| assert_eq!(goals[0].slug, "spend")) })
            as Asking
    });
    cases.push(Case { name: "beeminder", front: server.front, outside, ask, changes, repeats: true });

    let server = anthropic::Anthropic::start();
    let (client, changes) = anthropic_client(&server, anthropic::KEY);
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        Box::pin(async move { client.models().await.map(|(models, _)| assert_eq!(models.data.len(), 1)) })
            as Asking
    });
    cases.push(Case { name: "anthropic", front: server.front, outside, ask, changes, repeats: true });

    let server = twilio::Twilio::start();
    let (client, changes) = twilio_client(&server, twilio::AUTH_TOKEN);
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        Box::pin(
            async move { client.account().await.map(|(account, _)| assert_eq!(account.status, "active")) },
        ) as Asking
    });
    cases.push(Case { name: "twilio, reading", front: server.front, outside, ask, changes, repeats: true });

    let server = twilio::Twilio::start();
    let (client, changes) = twilio_client(&server, twilio::AUTH_TOKEN);
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        Box::pin(async move {
            client
                .send(&message("+15558675310"))
                .await
                .map(|sent| assert_eq!(sent.status, MessageStatus::Queued))
        }) as Asking
    });
    cases.push(Case { name: "twilio, sending", front: server.front, outside, ask, changes, repeats: false });
    cases.extend([channels::ntfy_case(), channels::webhook_case()]);
    cases.extend(providers::provider_cases());
    cases
}

/// What a fault comes out as, how often it is tried (where repeating is safe, and where not), and whether the
/// breaker counts it.
const TABLE: &[(Fault, &str, [usize; 2], bool)] = &[
    (Fault::Refused, "unreachable", [0, 0], true),
    (Fault::Silent, "unanswered", [3, 1], true),
    (Fault::Drip, "unanswered", [3, 1], true),
    (Fault::Reset, "unanswered", [3, 1], true),
    (Fault::Status(401), "unauthorized", [1, 1], false),
    (Fault::Status(403), "unauthorized", [1, 1], false),
    (Fault::Status(404), "not-found", [1, 1], false),
    (Fault::Status(418), "rejected", [1, 1], false),
    // Refused before anything was done: safe to send again, for every request.
    (Fault::Status(429), "rate-limited", [3, 3], false),
    (Fault::Later(0), "rate-limited", [3, 3], false),
    (Fault::Later(3_600), "rate-limited", [1, 1], false),
    (Fault::Later(u64::MAX), "rate-limited", [1, 1], false),
    (Fault::Status(500), "unavailable", [3, 1], true),
    (Fault::Status(503), "unavailable", [3, 1], true),
    (Fault::Html, "unavailable", [3, 1], true),
    (Fault::Truncated, "malformed", [1, 1], true),
    (Fault::WrongTypes, "malformed", [1, 1], true),
    (Fault::Empty, "malformed", [1, 1], true),
    (Fault::Nested, "malformed", [1, 1], true),
    (Fault::Huge, "too-large", [1, 1], true),
    (Fault::Redirect, "redirect-refused", [1, 1], true),
];

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not come about");
}

/// Asks until the breaker lets it pass; it opens after failures and closes again by itself.
async fn recovers(case: &Case) {
    for _ in 0..2_000 {
        match (case.ask)().await {
            Ok(()) => return,
            Err(OutsideError::BreakerOpen { retry_in, .. }) => tokio::time::sleep(retry_in).await,
            Err(other) => panic!("{}: {other}", case.name),
        }
    }
    panic!("{}: the breaker did not close", case.name);
}

#[tokio::test]
async fn beeminder_meets_every_fault() {
    meets_every_fault("beeminder").await;
}

#[tokio::test]
async fn anthropic_meets_every_fault() {
    meets_every_fault("anthropic").await;
}

#[tokio::test]
async fn twilio_meets_every_fault_while_it_is_read() {
    meets_every_fault("twilio, reading").await;
}

#[tokio::test]
async fn twilio_meets_every_fault_while_it_sends() {
    meets_every_fault("twilio, sending").await;
}

#[tokio::test]
async fn ntfy_meets_every_fault() {
    meets_every_fault("ntfy").await;
}

#[tokio::test]
async fn a_webhook_meets_every_fault() {
    meets_every_fault("webhook").await;
}

async fn meets_every_fault(name: &str) {
    for case in cases().into_iter().filter(|case| case.name == name) {
        (case.ask)().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        // What a webhook's receiver answers is not read: that it is a success is enough.
        let is_met = |expected: &str| case.name != "webhook" || expected != "malformed";
        for (fault, expected, tries, counts) in TABLE.iter().filter(|(_, expected, ..)| is_met(expected)) {
            case.front.fault_afresh(*fault).await;
            let (before, sent_before) = (case.front.requests(), case.front.sent());
            case.changes.lock().unwrap().clear();
            let error = (case.ask)().await.unwrap_err();
            let tried = case.front.requests() - before;
            assert_eq!(error.kind(), *expected, "{name}: {fault:?}: {error}");
            assert_eq!(tried, tries[usize::from(!case.repeats)], "{name}: {fault:?}: tries");
            assert_eq!(error.to_string().lines().count(), 1);
            if *expected == "too-large" {
                // What the kernels hold between the two is all that was taken beyond the limit.
                let taken = case.front.sent() - sent_before;
                assert!(taken < 20_000_000, "{name}: {taken} bytes of 100 MB were taken");
            }
            // Again and again: the breaker opens where the system is at fault, and only there.
            for _ in 0..policy().breaker.failures {
                let _ = (case.ask)().await;
            }
            let opened = case.changes.lock().unwrap().contains(&BreakerState::Open);
            assert_eq!(opened, *counts, "{name}: {fault:?}: whether the breaker opened");
            // And it closes by itself once the system is well.
            case.front.fault_afresh(Fault::None).await;
            recovers(&case).await;
            assert_eq!(case.outside.breaker(), BreakerState::Closed, "{name}: {fault:?}");
        }
        drop(case.ask);
        drop(case.outside);
        until("the end of all connections", || case.front.connections() == 0).await;
        let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert!(left <= tasks, "{name}: {left} tasks are left, {tasks} were there");
    }
}

#[tokio::test]
async fn what_flaps_is_tried_again_where_that_is_safe() {
    for case in cases() {
        case.front.fault_afresh(Fault::Flapping).await;
        let answers = [(case.ask)().await.is_ok(), (case.ask)().await.is_ok()];
        // Every other request fails: one that is repeated always comes through in the end.
        assert_eq!(answers, if case.repeats { [true, true] } else { [false, true] }, "{}", case.name);
    }
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_once_and_can_be_looked_for() {
    let server = twilio::Twilio::start();
    let (client, _) = twilio_client(&server, twilio::AUTH_TOKEN);
    let before = jiff::Timestamp::now();
    for number in 0..5 {
        client.send(&message(if number % 2 == 0 { "+15558675310" } else { "+15558675311" })).await.unwrap();
    }
    server.front.fault_afresh(Fault::AnswerLost).await;
    let error = client.send(&message("+15558675310")).await.unwrap_err();
    assert!(error.may_have_been_sent(), "{error}");
    server.front.fault_afresh(Fault::None).await;
    assert_eq!(server.world.lock().messages.len(), 6, "it was sent once");
    // Over two pages of two.
    let found = client.sent_to("+15558675310", before).await.unwrap();
    assert!(found.is_complete);
    let found = found.messages;
    assert_eq!(found.len(), 4);
    assert_eq!(found[0].sid, "SM00000000000000000000000000000006", "the newest first");
    let later = before + jiff::SignedDuration::from_hours(1);
    assert_eq!(client.sent_to("+15558675310", later).await.unwrap().messages, [], "all are older");
    // What was surely not sent says so.
    for (fault, expected) in [(Fault::Refused, false), (Fault::Status(429), false), (Fault::Silent, true)] {
        server.front.fault_afresh(fault).await;
        assert_eq!(
            client.send(&message("+15558675310")).await.unwrap_err().may_have_been_sent(),
            expected,
            "{fault:?}"
        );
        server.front.fault_afresh(Fault::None).await;
    }
    assert_eq!(server.world.lock().messages.len(), 6);
}

#[tokio::test]
async fn twilio_s_own_codes_are_read_and_its_text_is_not_shown() {
    let server = twilio::Twilio::start();
    let (client, _) = twilio_client(&server, twilio::AUTH_TOKEN);
    for (to, expected) in [("+15005550001", 21211), ("+15005550004", 21610), ("+15005550009", 21614)] {
        let error = client.send(&message(to)).await.unwrap_err();
        assert!(
            matches!(error, OutsideError::Rejected { code: Some(code), .. } if code == expected),
            "{error}"
        );
        let said = format!("{error} {error:?}");
        assert!(!said.contains("said the server") && !said.contains("500555"), "{said}");
    }
    let (wrong, _) = twilio_client(&server, "ffffffffffffffffffffffffffffffff");
    let error = wrong.account().await.unwrap_err();
    assert!(error.is_refused_key() && error.to_string().contains("console.twilio.com"), "{error}");
    assert_eq!(server.world.lock().messages.len(), 0);
}

#[tokio::test]
async fn a_datapoint_is_written_once_however_often_it_is_sent() {
    let server = beeminder::Beeminder::start();
    server.world.lock().goal("spend", 2, 1_900_000_000);
    let (client, _) = beeminder_client(&server, beeminder::TOKEN);
    let mut new = NewDatapoint {
        value: "1.25".into(),
        daystamp: "20261123".into(),
        comment: "spent #SELFDESTRUCT".into(),
        request_id: "spend-20261123".into(),
    };
    let first = client.write("spend", &new).await.unwrap();
    assert_eq!((first.status.as_deref(), first.comment.as_str()), (Some("created"), "spent  SELFDESTRUCT"));
    // The same again: an error that says it is there already, or a plain answer.
    for is_error in [true, false] {
        server.world.lock().duplicates_are_errors = is_error;
        assert_eq!(client.write("spend", &new).await.unwrap().id, first.id);
    }
    new.value = "1.5".into();
    let second = client.write("spend", &new).await.unwrap();
    assert_eq!((second.id, second.status.as_deref()), (first.id, Some("updated")));
    // An answer that is lost is asked for again, which changes nothing.
    server.front.fault_afresh(Fault::Flapping).await;
    client.write("spend", &new).await.unwrap();
    server.front.fault_afresh(Fault::None).await;
    assert_eq!(server.world.lock().datapoints["spend"].len(), 1);
    assert_eq!(client.datapoints("spend", 5).await.unwrap()[0].value.to_string(), "1.5");
    let error = client.write("gone", &new).await.unwrap_err();
    assert_eq!(error.kind(), "not-found");
    let (user, ahead) = client.user().await.unwrap();
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert!(ahead.unwrap().abs() < 60, "both clocks are this machine's");
    let (wrong, _) = beeminder_client(&server, "wrong");
    let error = wrong.user().await.unwrap_err();
    assert!(error.is_refused_key() && !error.to_string().contains("wrong"), "{error}");
}

/// Spans, errors and their debug forms never hold a secret, a number or a text.
#[tokio::test]
async fn no_secret_is_in_a_span_or_an_error() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut errors = String::new();
    for case in cases() {
        for (fault, ..) in TABLE.iter().filter(|(fault, ..)| *fault != Fault::Huge) {
            // Another test's thread, which has no subscriber, may have met a span first and switched it off for all.
            tracing::callsite::rebuild_interest_cache();
            case.front.fault_afresh(*fault).await;
            if let Err(error) = (case.ask)().await {
                errors += &format!("{error} {error:?}\n");
            }
            case.front.fault_afresh(Fault::None).await;
        }
        recovers(&case).await;
    }
    drop(guard);
    let spans = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(spans.contains("mecris.outside.system=\"twilio\""), "spans were captured");
    assert!(spans.contains("url.template=\"users/{}/goals.json\""), "{spans}");
    for said in [&spans, &errors] {
        for secret in ["marked-", twilio::AUTH_TOKEN, "555867", "500555", "elsewhere"] {
            let line = said.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
