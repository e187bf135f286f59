//! From one channel to the next, and what Twilio tells of messages: with the real program.

use serde_json::Value;

use crate::alerts::{EAGER, World, alerts, goal_alert, until};
use crate::support::outside::Fault;
use crate::support::outside::hook::{self, Hook};
use crate::support::outside::ntfy::{self, Ntfy};
use crate::support::outside::twilio;
use crate::support::program::Running;

const LOSEDATE: i64 = 1_900_000_000;
/// Where Twilio believes to find us, through a proxy that a person would have.
const PUBLIC: &str = "https://ada.example/mecris";

fn hook_variables(url: &str) -> [(&str, &str); 2] {
    [("MECRIS_WEBHOOK__URL", url), ("MECRIS_WEBHOOK__SECRET", hook::SECRET)]
}

#[test]
fn while_twilio_is_down_the_next_channel_is_used_and_nothing_comes_late() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    world.twilio.front.fault(Fault::Refused);
    let hook = Hook::start();
    let url = hook.url();
    // SMS is given no time at all before the next one is tried.
    let config = world.home.dir.path().join("config.toml");
    let ladder = "[alerts]\nladder = [{ channel = 'sms', patience_minutes = 0 }, { channel = 'webhook' }]\n";
    std::fs::write(&config, ladder).unwrap();
    let config = [("MECRIS_CONFIG", config.to_str().unwrap())];
    let running = world.start_with(&[&EAGER[..], &hook_variables(&url), &config].concat());
    until("the webhook has it", || (hook.world.lock().received.len() == 1).then_some(()));
    let received = hook.world.lock().received[0].clone();
    assert_eq!((&received["kind"], &received["severity"]), (&"goal".into(), &"immediate".into()));
    assert!(received["text"].as_str().unwrap().contains("walk derails"), "{received}");
    let told = until("it is known", || goal_alert(&running).filter(|alert| alert["told_at"].is_string()));
    let channels: Vec<&str> =
        told["attempts"].as_array().unwrap().iter().map(|one| one["channel"].as_str().unwrap()).collect();
    assert!(channels.starts_with(&["sms"]) && channels.ends_with(&["webhook"]), "{channels:?}");
    // Twilio is back: what was told otherwise is not sent, and the next one is.
    world.twilio.front.fault(Fault::None);
    world.beeminder.world.lock().goal("read", 0, LOSEDATE);
    until("the next one is told", || {
        let is_told = |alert: &Value| alert["subject"] == "read" && alert["told_at"].is_string();
        alerts(&running).iter().any(is_told).then_some(())
    });
    let late = world.messages().iter().any(|message| message["body"].as_str().unwrap().contains("walk"));
    assert!(!late && hook.world.lock().again == 0);
}

#[test]
fn an_answer_that_is_lost_is_told_again_under_the_same_key() {
    let world = World::new();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    let (hook, ntfy) = (Hook::start(), Ntfy::start());
    hook.front.fault(Fault::AnswerLost);
    let (url, topic) = (hook.url(), ntfy.url());
    let more = [("MECRIS_NTFY__URL", topic.as_str()), ("MECRIS_NTFY__TOKEN", ntfy::TOKEN)];
    // No consent: neither needs it. ntfy comes before the webhook.
    let running = world.start_with(&[&EAGER[..], &hook_variables(&url), &more].concat());
    until("ntfy shows it", || (ntfy.shown().len() == 1).then_some(()));
    // Killed before the answer was recorded, it would rightly be told again.
    until("and that is known", || {
        alerts(&running).iter().any(|alert| alert["told_at"].is_string()).then_some(())
    });
    let config = world.home.dir.path().join("config.toml");
    drop(running);
    std::fs::write(&config, "[alerts]\nladder = [{ channel = 'webhook' }]\n").unwrap();
    let config = [("MECRIS_CONFIG", config.to_str().unwrap())];
    world.beeminder.world.lock().goal("read", 0, LOSEDATE);
    let running = world.start_with(&[&EAGER[..], &hook_variables(&url), &config].concat());
    until("it came, and its answer was lost", || (!hook.world.lock().received.is_empty()).then_some(()));
    hook.front.fault(Fault::None);
    until("it is told", || {
        let is_told = |alert: &Value| alert["subject"] == "read" && alert["told_at"].is_string();
        alerts(&running).iter().any(is_told).then_some(())
    });
    let world = hook.world.lock();
    assert!(world.received.len() == 1 && world.again >= 1, "{world:?}");
    assert_eq!(world.refused, 0);
}

#[test]
fn a_message_whose_answer_is_lost_is_found_behind_a_trial_s_prefix_and_by_another_clock() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    world.twilio.world.lock().is_trial = true;
    world.twilio.world.lock().behind_s = 600;
    world.twilio.front.fault(Fault::AnswerLost);
    let running = world.start_with(&EAGER);
    until("it was taken", || (world.messages().len() == 1).then_some(()));
    world.twilio.front.fault(Fault::None);
    let alert = until("it is known", || goal_alert(&running).filter(|alert| alert["told_at"].is_string()));
    let attempts = alert["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), world.messages().len()), (1, 1), "{alert}");
}

fn post(running: &Running, path: &str, form: &[(&str, &str)], signature: &str) -> u16 {
    let body = form.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B")));
    let body = body.collect::<Vec<_>>().join("&");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "ada.example"),
        ("x-twilio-signature", signature),
    ];
    running.send_form(path, &headers, &body).status
}

fn signed(path: &str, form: &[(&str, &str)]) -> String {
    let form: Vec<(String, String)> =
        form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    twilio::signature(twilio::AUTH_TOKEN, &format!("{PUBLIC}{path}"), &form)
}

#[test]
fn what_twilio_tells_is_heard_and_what_is_forged_is_not() {
    const STATUS: &str = "/webhooks/twilio/status";
    const INBOUND: &str = "/webhooks/twilio/inbound";
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 1, LOSEDATE);
    let running = world.start_with(&[&EAGER[..], &[("MECRIS_TWILIO__PUBLIC_URL", PUBLIC)]].concat());
    let alert = until("it was told", || goal_alert(&running).filter(|alert| alert["told_at"].is_string()));
    let sid = alert["attempts"][0]["channel_id"].as_str().unwrap().to_owned();
    let state = || goal_alert(&running).unwrap()["attempts"][0]["state"].clone();
    let lost = [("MessageSid", sid.as_str()), ("MessageStatus", "undelivered"), ("ErrorCode", "30005")];
    let good = signed(STATUS, &lost);
    for forged in ["", "AAAA", &signed(INBOUND, &lost), &signed(STATUS, &lost[..2])] {
        assert_eq!(post(&running, STATUS, &lost, forged), 403);
    }
    assert_eq!(state(), "accepted", "nothing forged is heard");
    let early = [("MessageSid", sid.as_str()), ("MessageStatus", "sent")];
    assert_eq!(post(&running, STATUS, &early, &signed(STATUS, &early)), 204);
    for _ in 0..2 {
        assert_eq!(post(&running, STATUS, &lost, &good), 204);
    }
    until("it is undelivered", || (state() == "undelivered").then_some(()));

    // STOP and START from the person, and from a stranger.
    let granted = || running.get("/api/v1/consent").json()["contacts"][0]["is_granted"].clone();
    let says = |from, text| {
        let form = [("MessageSid", "SM9"), ("From", from), ("To", twilio::FROM), ("Body", text)];
        post(&running, INBOUND, &form, &signed(INBOUND, &form))
    };
    assert_eq!(says("+15558675310", " stop "), 200);
    assert_eq!(granted(), false);
    assert_eq!(says("+4915112345678", "START"), 200);
    assert_eq!(says("+15558675310", "please start"), 200);
    assert_eq!(granted(), false);
    // Worse, but nobody may be written to.
    let messages = world.messages().len();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    until("it waits for a channel", || {
        let waits =
            |alert: &Value| alert["waits_for"].as_str().is_some_and(|why| why.starts_with("a channel"));
        goal_alert(&running).filter(waits)
    });
    assert_eq!(world.messages().len(), messages);
    assert_eq!(says("+15558675310", "START"), 200);
    until("it is told", || (world.messages().len() == messages + 1).then_some(()));
    let contacts = running.get("/api/v1/consent").json()["contacts"].as_array().unwrap().len();
    assert_eq!(contacts, 1, "a stranger's number is not kept");
    // Neither numbers nor texts are in the log.
    drop(running);
    let journal = crate::support::program::everything_below(&world.home.data().join("journal"));
    for text in ["15558675310", "4915112345678", "walk derails", "please start"] {
        assert!(!journal.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}
