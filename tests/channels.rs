//! The channels by which a person is told, each client against its server: what arrives, what is refused, what is
//! not known, and what is forged.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use mecris::config::{self, BaseUrl, EmailAddress, EmailTls, PrivateUrl, Secret};
use mecris::integration::email::{Email, Letter};
use mecris::integration::ntfy::{Notification, Ntfy, Priority};
use mecris::integration::resilience::breaker::BreakerState;
use mecris::integration::resilience::{Class, OnBreaker, OutsideError, Policy};
use mecris::integration::twilio::webhook::{Delivery, Inbound, Wish, is_genuine};
use mecris::integration::twilio::{Credentials, MessageStatus, Outgoing, Sender, Twilio, codes, on_whatsapp};
use mecris::integration::webhook::{Webhook, signature};
use secrecy::SecretString;
use serde_json::json;

use crate::support::outside::Fault;
use crate::support::outside::hook::{self, Hook};
use crate::support::outside::ntfy as ntfy_server;
use crate::support::outside::smtp::{self, Reply, Smtp};
use crate::support::outside::twilio as twilio_server;

#[path = "channels/email.rs"]
mod email;
#[path = "channels/twilio.rs"]
mod twilio;

/// Short waits; the rules are the same.
fn policy() -> Policy {
    Policy {
        connect: Duration::from_millis(500),
        each: Duration::from_millis(500),
        total: Duration::from_secs(10),
        tries: 3,
        pause: Duration::from_millis(5),
        wait_max: Duration::from_millis(100),
        per_second: NonZeroU32::new(1_000).unwrap(),
        ..Policy::default()
    }
}

fn nobody() -> OnBreaker {
    Arc::new(|_, _| {})
}

/// Nothing that was marked, and no number, is in an error.
fn keeps_quiet(error: &OutsideError) {
    let said = format!("{error} {error:?}");
    for text in ["marked", "said the server", "555867", "500555", "example"] {
        assert!(!said.contains(text), "{said}");
    }
    assert_eq!(error.to_string().lines().count(), 1);
}

fn ntfy_client(server: &ntfy_server::Ntfy, token: Option<&str>) -> Ntfy {
    let url = Some(PrivateUrl::parse(&server.url()).unwrap());
    let settings = config::Ntfy { url, token: token.map(Secret::new), token_file: None };
    Ntfy::of(&settings, policy(), nobody()).unwrap().unwrap()
}

fn notification(id: &str) -> Notification {
    Notification {
        id: id.into(),
        title: "marked title: größer".into(),
        message: "marked message\nin two lines".into(),
        priority: Priority::High,
        tags: vec!["warning".into()],
    }
}

#[tokio::test]
async fn a_notification_is_published_whole_and_the_same_again_replaces_it() {
    let server = ntfy_server::Ntfy::start();
    server.world.lock().is_private = true;
    let client = ntfy_client(&server, Some(ntfy_server::TOKEN));
    let published = client.publish(&notification("attempt-1")).await.unwrap();
    assert_eq!(published.sequence_id.as_deref(), Some("attempt-1"));
    let stored = server.world.lock().messages[0].clone();
    assert_eq!(stored["topic"], ntfy_server::TOPIC);
    assert_eq!(stored["title"], "marked title: größer");
    assert_eq!(stored["message"], "marked message\nin two lines");
    assert_eq!((stored["priority"].as_i64(), &stored["tags"]), (Some(4), &json!(["warning"])));
    // An answer that is lost: published, and not known to be. By itself it is not sent again.
    server.front.fault_afresh(Fault::AnswerLost).await;
    let error = client.publish(&notification("attempt-2")).await.unwrap_err();
    assert_eq!(error.class(), Class::MaybeDelivered, "{error}");
    server.front.fault_afresh(Fault::None).await;
    assert_eq!(server.world.lock().messages.len(), 2);
    client.publish(&notification("attempt-2")).await.unwrap();
    assert_eq!(server.world.lock().messages.len(), 3);
    assert_eq!(server.shown().len(), 2, "a phone shows each attempt once");
    // A server from before sequences takes it too.
    server.world.lock().is_old = true;
    assert_eq!(client.publish(&notification("attempt-3")).await.unwrap().sequence_id, None);
}

#[tokio::test]
async fn what_ntfy_refuses_is_told_apart() {
    let server = ntfy_server::Ntfy::start();
    let wrong = ntfy_client(&server, Some("tk_wrong"));
    let error = wrong.publish(&notification("a")).await.unwrap_err();
    assert!(error.is_refused_key() && error.class() == Class::Permanent, "{error}");
    keeps_quiet(&error);
    server.world.lock().is_private = true;
    let none = ntfy_client(&server, None);
    assert!(none.publish(&notification("a")).await.unwrap_err().is_refused_key());
    let client = ntfy_client(&server, Some(ntfy_server::TOKEN));
    let long = Notification { message: "x".repeat(4_097), ..notification("a") };
    let error = client.publish(&long).await.unwrap_err();
    assert!(matches!(error, OutsideError::Rejected { status: 413, code: Some(41303), .. }), "{error}");
    let asked = server.front.requests();
    for id in ["", "two words", "a/b", &"x".repeat(65)] {
        let error = client.publish(&notification(id)).await.unwrap_err();
        assert_eq!((error.kind(), error.class()), ("invalid", Class::Permanent));
    }
    assert_eq!(server.front.requests(), asked, "what cannot be right is not sent");
    server.world.lock().quota = Some(0);
    let error = client.publish(&notification("a")).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), ("rate-limited", Class::Later));
    server.front.fault_afresh(Fault::Refused).await;
    assert_eq!(client.publish(&notification("a")).await.unwrap_err().class(), Class::Later);
    assert_eq!(server.world.lock().messages.len(), 0);
}

fn hook_client(server: &Hook, secret: &str) -> Webhook {
    let url = Some(PrivateUrl::parse(&server.url()).unwrap());
    let settings = config::Webhook { url, secret: Some(Secret::new(secret)), secret_file: None };
    Webhook::of(&settings, policy(), nobody()).unwrap().unwrap()
}

#[tokio::test]
async fn a_webhook_arrives_signed_and_once_however_often_it_is_sent() {
    let server = Hook::start();
    let client = hook_client(&server, hook::SECRET);
    let body = json!({"kind": "goal-risk", "subject": "größer", "severity": 3});
    client.post("attempt-1", &body).await.unwrap();
    assert_eq!(server.world.lock().received, std::slice::from_ref(&body));
    // Every other answer is an error: it is sent again with the same key.
    server.front.fault_afresh(Fault::Flapping).await;
    client.post("attempt-2", &body).await.unwrap();
    // The receiver took it, and its answer was lost each time.
    server.front.fault_afresh(Fault::AnswerLost).await;
    let error = client.post("attempt-3", &body).await.unwrap_err();
    assert_eq!(error.class(), Class::MaybeDelivered);
    keeps_quiet(&error);
    server.front.fault_afresh(Fault::None).await;
    client.post("attempt-3", &body).await.unwrap();
    let world = server.world.lock();
    assert_eq!((world.received.len(), world.again, world.refused), (3, 3, 0));
}

#[tokio::test]
async fn a_webhook_that_is_forged_or_played_again_is_refused() {
    let server = Hook::start();
    let error = hook_client(&server, "another secret of ours").post("a", &json!({})).await.unwrap_err();
    assert!(error.is_refused_key() && error.to_string().contains("webhook.secret"), "{error}");
    keeps_quiet(&error);
    // Somebody who has seen a request: they have its body, its time and its signature, and no secret.
    let now = jiff::Timestamp::now();
    let secret = SecretString::from(hook::SECRET);
    let old = now - jiff::SignedDuration::from_hours(1);
    let send = async |signature: String, body: &'static str| {
        let request = reqwest::Client::new().post(server.url()).header("content-type", "application/json");
        let request = request.header("idempotency-key", "k").header("x-mecris-signature", signature);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let genuine = signature(&secret, now, b"{\"usd\":1}");
    assert_eq!(send(genuine.clone(), "{\"usd\":2}").await, 401, "another body");
    assert_eq!(send(signature(&secret, old, b"{\"usd\":1}"), "{\"usd\":1}").await, 401, "an old one");
    let moved = signature(&secret, old, b"{\"usd\":1}")
        .replace(&format!("t={}", old.as_second()), &format!("t={}", now.as_second()));
    assert_eq!(send(moved, "{\"usd\":1}").await, 401, "an old one with a new time");
    assert_eq!(send("t=1".into(), "{\"usd\":1}").await, 401);
    assert_eq!(send(genuine.clone(), "{\"usd\":1}").await, 204);
    assert_eq!(send(genuine, "{\"usd\":1}").await, 204, "at once again: known by its key");
    let world = server.world.lock();
    assert_eq!((world.received.len(), world.again, world.refused), (1, 1, 5));
}

#[tokio::test]
async fn a_channel_that_is_not_configured_is_none() {
    let secret = || Some(Secret::new(hook::SECRET));
    assert!(Ntfy::of(&config::Ntfy::default(), policy(), nobody()).unwrap().is_none());
    assert!(Webhook::of(&config::Webhook::default(), policy(), nobody()).unwrap().is_none());
    assert!(Email::of(&config::Email::default(), policy(), nobody()).unwrap().is_none());
    let half = config::Webhook { secret: secret(), ..config::Webhook::default() };
    assert!(Webhook::of(&half, policy(), nobody()).unwrap().is_none());
    let url = PrivateUrl::parse("https://ntfy.example/").unwrap();
    let no_topic = config::Ntfy { url: Some(url), ..config::Ntfy::default() };
    assert_eq!(Ntfy::of(&no_topic, policy(), nobody()).unwrap_err().kind(), "invalid");
}
