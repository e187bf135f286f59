//! Twilio against its server: codes, statuses, callbacks, and the person's own words.

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::*;
use crate::support::outside::{Front, Shared, serve};
use twilio_server::{AUTH_TOKEN, FROM, SERVICE};

const TO: &str = "+15558675310";

fn client(server: &twilio_server::Twilio) -> Twilio {
    let settings = config::Twilio {
        api_base: BaseUrl::parse(&server.front.url()).unwrap(),
        ..config::Twilio::default()
    };
    let credentials = Credentials {
        account_sid: twilio_server::ACCOUNT.into(),
        user: twilio_server::ACCOUNT.into(),
        secret: SecretString::from(AUTH_TOKEN),
    };
    Twilio::new(&settings, credentials, policy(), nobody()).unwrap()
}

fn outgoing(from: &str, to: &str) -> Outgoing {
    let from = Sender::Number(from.into());
    Outgoing { to: to.into(), from, body: "marked text".into(), status_callback: None }
}

#[tokio::test]
async fn a_refusal_keeps_its_code_whatever_its_status() {
    let server = twilio_server::Twilio::start();
    let client = client(&server);
    server.hear("+15558675399", " stop ");
    {
        let mut world = server.world.lock();
        world.is_trial = true;
        world.unverified.insert("+15558675388".into());
    }
    for (from, to, status, code, class) in [
        (FROM, "+15005550001", 400, 21211, Class::Permanent),
        (FROM, "5558675310", 400, 21211, Class::Permanent),
        (FROM, "+15005550003", 403, 21408, Class::Permanent),
        ("+15005550001", TO, 400, 21212, Class::Permanent),
        ("+15005550007", TO, 400, 21606, Class::Permanent),
        ("+15005550008", TO, 429, 21611, Class::Later),
        (FROM, "+15558675399", 400, codes::OPTED_OUT, Class::Permanent),
        (FROM, "+15558675388", 400, 21608, Class::Permanent),
        // A code that no table knows.
        (FROM, "whatsapp:+15558675310", 400, 21910, Class::Permanent),
    ] {
        let before = server.front.requests();
        let error = client.send(&outgoing(from, to)).await.unwrap_err();
        assert!(matches!(error, OutsideError::Rejected { status: said, .. } if said == status), "{error}");
        assert_eq!((error.code(), codes::class(&error)), (Some(code), class), "{to}");
        assert_eq!(server.front.requests(), before + 1, "{code}: asking again at once does not help");
        keeps_quiet(&error);
    }
    let long = Outgoing { body: "x".repeat(1_601), ..outgoing(FROM, TO) };
    assert_eq!(client.send(&long).await.unwrap_err().code(), Some(21617));
    server.hear("+15558675399", "START");
    client.send(&outgoing(FROM, "+15558675399")).await.unwrap();
    server.world.lock().per_day = Some(1);
    let error = client.send(&outgoing(FROM, TO)).await.unwrap_err();
    assert_eq!((error.code(), codes::class(&error)), (Some(63038), Class::Later), "a full day");
    assert_eq!(server.world.lock().complaints, [""; 0]);
}

#[tokio::test]
async fn a_burst_is_waited_out_and_sends_once() {
    let server = twilio_server::Twilio::start();
    let client = client(&server);
    server.world.lock().busy = 2;
    client.send(&outgoing(FROM, TO)).await.unwrap();
    server.world.lock().busy = 9;
    let error = client.send(&outgoing(FROM, TO)).await.unwrap_err();
    assert_eq!((error.kind(), codes::class(&error)), ("rate-limited", Class::Later));
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_taken_without_an_answer_is_found_by_its_text() {
    let server = twilio_server::Twilio::start();
    let client = client(&server);
    server.world.lock().is_trial = true;
    let before = jiff::Timestamp::now();
    server.world.lock().silent = 1;
    let error = client.send(&outgoing(FROM, TO)).await.unwrap_err();
    assert_eq!(codes::class(&error), Class::MaybeDelivered, "{error}");
    server.front.fault_afresh(Fault::AnswerLost).await;
    let error =
        client.send(&Outgoing { body: "marked other".into(), ..outgoing(FROM, TO) }).await.unwrap_err();
    assert_eq!(codes::class(&error), Class::MaybeDelivered, "{error}");
    server.front.fault_afresh(Fault::None).await;
    for number in 0..5 {
        client.send(&Outgoing { body: format!("marked {number}"), ..outgoing(FROM, TO) }).await.unwrap();
    }
    // Over four pages, behind a trial account's prefix, each once.
    let sent = client.sent_to(TO, before).await.unwrap();
    assert!(sent.is_complete);
    let found = |text: &str| sent.messages.iter().filter(|message| message.text() == text).count();
    assert_eq!((found("marked text"), found("marked other"), found("marked")), (1, 1, 0));
    assert_eq!((sent.messages.len(), server.accepted().len()), (7, 7));
    assert_eq!(server.accepted()[0].body, "marked text");
    // A list that has no end within reason says so.
    server.world.lock().page = 1;
    for _ in 0..20 {
        client.send(&outgoing(FROM, TO)).await.unwrap();
    }
    let sent = client.sent_to(TO, before).await.unwrap();
    assert!(!sent.is_complete && sent.messages.len() == 20, "{}", sent.messages.len());
    assert_eq!(server.world.lock().complaints, [""; 0]);
}

/// Sending needs no connection that was kept: the server may have closed it in the same moment.
#[tokio::test]
async fn each_message_is_sent_over_a_connection_of_its_own() {
    let server = twilio_server::Twilio::start();
    let client = client(&server);
    for _ in 0..3 {
        client.send(&outgoing(FROM, TO)).await.unwrap();
    }
    assert_eq!(server.front.opened(), 3);
    for _ in 0..3 {
        client.account().await.unwrap();
    }
    assert!(server.front.opened() < 6, "what is read may be read over one that was kept");
}

#[tokio::test]
async fn a_message_is_followed_to_its_end_and_its_price_is_exact() {
    let server = twilio_server::Twilio::start();
    let client = client(&server);
    let body = format!("{}€", "x".repeat(159));
    let sent = client.send(&Outgoing { body, ..outgoing(FROM, TO) }).await.unwrap();
    assert_eq!((&sent.status, sent.segments(), sent.cost()), (&MessageStatus::Queued, Some(2), None));
    let mut rank = sent.status.rank();
    for status in ["sending", "sent", "delivered"] {
        server.progress(&sent.sid, status, None);
        let now = client.message(&sent.sid).await.unwrap();
        assert!(now.status.rank() > rank && now.status.is_final() == (status == "delivered"), "{status}");
        rank = now.status.rank();
    }
    assert_eq!(client.message(&sent.sid).await.unwrap().cost().unwrap().exact(), "0.0158");
    // By a messaging service and on WhatsApp.
    let service = Outgoing { from: Sender::Service(SERVICE.into()), ..outgoing(FROM, TO) };
    let sent = client.send(&service).await.unwrap();
    assert_eq!((sent.status, sent.from), (MessageStatus::Accepted, None));
    let whatsapp = outgoing(&on_whatsapp(FROM), &on_whatsapp(TO));
    let sent = client.send(&whatsapp).await.unwrap();
    server.progress(&sent.sid, "undelivered", Some(63016));
    let failed = client.message(&sent.sid).await.unwrap();
    assert!(failed.status.is_failure());
    assert_eq!(codes::class_of(failed.error_code), Class::Permanent);
    assert_eq!(
        client.sent_to(&on_whatsapp(TO), jiff::Timestamp::UNIX_EPOCH).await.unwrap().messages.len(),
        1
    );
    assert_eq!(client.balance().await.unwrap().balance, "12.34");
    assert_eq!(client.message("SMnone").await.unwrap_err().kind(), "not-found");
}

#[test]
fn segments_are_counted_as_they_are_billed() {
    for (text, expected) in [
        ("", 1),
        (&*"x".repeat(160), 1),
        (&*"x".repeat(161), 2),
        (&*"x".repeat(306), 2),
        (&*"x".repeat(307), 3),
        (&*"€".repeat(80), 1),
        (&*"€".repeat(81), 2),
        (&*"“".repeat(70), 1),
        (&*"“".repeat(71), 2),
        (&*"😀".repeat(35), 1),
        (&*"😀".repeat(36), 2),
    ] {
        assert_eq!(twilio_server::segments(text), expected, "{text}");
    }
}

/// Something that Twilio calls: it takes what is genuine, by the address in its settings.
#[derive(Default)]
struct Called {
    deliveries: Vec<Delivery>,
    wishes: Vec<Option<Wish>>,
    refused: usize,
    url: String,
}

async fn called(
    State(called): State<Shared<Called>>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> StatusCode {
    let mut called = called.lock();
    let given = headers.get("x-twilio-signature").map_or("", |value| value.to_str().unwrap());
    if !is_genuine(&SecretString::from(AUTH_TOKEN), &called.url, &fields, given) {
        called.refused += 1;
        return StatusCode::FORBIDDEN;
    }
    called.deliveries.extend(Delivery::read(&fields));
    called.wishes.extend(Inbound::read(&fields).map(|inbound| inbound.wish));
    StatusCode::NO_CONTENT
}

fn callee() -> (Front, Shared<Called>, String) {
    let shared = Shared::new(Called::default());
    let front = serve(Router::new().route("/callback", post(called)).with_state(shared.clone()));
    let url = format!("{}callback", front.url());
    shared.lock().url.clone_from(&url);
    (front, shared, url)
}

#[tokio::test]
async fn callbacks_come_in_any_order_and_the_furthest_one_counts() {
    let server = twilio_server::Twilio::start();
    let (_front, callee, url) = callee();
    let message = Outgoing { status_callback: Some(format!("{url}#rc=2")), ..outgoing(FROM, TO) };
    let sid = client(&server).send(&message).await.unwrap().sid;
    // Without "sending", "delivered" before "sent", and that one twice.
    for status in ["delivered", "sent", "sent", "queued"] {
        assert_eq!(server.tell(&sid, status), Some(204));
    }
    let told: Vec<Delivery> = callee.lock().deliveries.clone();
    assert!(told.iter().all(|delivery| delivery.sid == sid) && told.len() == 4);
    let furthest = told.iter().max_by_key(|delivery| delivery.status.rank()).unwrap();
    assert_eq!(furthest.status, MessageStatus::Delivered);
    server.progress(&sid, "undelivered", Some(30003));
    server.tell(&sid, "undelivered");
    let last = callee.lock().deliveries.last().cloned().unwrap();
    assert_eq!((last.error_code, codes::class_of(last.error_code)), (Some(30003), Class::NotDelivered));
    // By itself, through its whole life.
    server.world.lock().life = vec!["sent", "delivered", "read"];
    let sid = client(&server).send(&message).await.unwrap().sid;
    let has_come =
        || callee.lock().deliveries.iter().any(|d| d.sid == sid && d.status == MessageStatus::Read);
    while !has_come() {
        tokio::task::yield_now().await;
    }
    assert_eq!(callee.lock().refused, 0);
}

#[tokio::test]
async fn a_callback_that_is_forged_or_for_another_address_is_refused() {
    let server = twilio_server::Twilio::start();
    let (_front, callee, url) = callee();
    assert_eq!(server.inbound(&url, &url, TO, "Stop"), Some(204));
    assert_eq!(server.inbound(&url, &url, TO, "please stop it"), Some(204));
    assert_eq!(server.inbound(&url, &url, TO, "start"), Some(204));
    assert_eq!(callee.lock().wishes, [Some(Wish::OptOut), None, Some(Wish::OptIn)]);
    // Signed for the address behind the proxy, and not for the public one.
    assert_eq!(server.inbound(&url, "https://mecris.example/callback", TO, "STOP"), Some(403));
    callee.lock().url = "https://mecris.example/callback".into();
    assert_eq!(server.inbound(&url, "https://mecris.example/callback", TO, "STOP"), Some(204));
    assert_eq!(server.inbound(&url, "https://mecris.example:443/callback", TO, "STOP"), Some(204));
    // By somebody who knows the address and not the token.
    let form = twilio_server::form_of(&json!({"sid": "SM1", "to": TO, "from": FROM}), "delivered");
    let public = callee.lock().url.clone();
    for given in ["", "AAAA", &twilio_server::signature("another token", &public, &form)] {
        let request = reqwest::Client::new().post(&url).header("X-Twilio-Signature", given).form(&form);
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    let callee = callee.lock();
    assert_eq!((callee.deliveries.len(), callee.refused), (0, 4));
}
