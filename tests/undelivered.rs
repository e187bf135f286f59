//! What was learnt of a message that nobody received reaches the person: by another channel, and everywhere where they
//! look, with the meaning of the code and the mend.

use std::collections::BTreeMap;

use mecris::domain::alert::codes::{MEANINGS, meaning_of};
use serde_json::Value;

use crate::alerts::{EAGER, World, alerts, goal_alert, until};
use crate::support::outside::Fault;
use crate::support::outside::hook::{self, Hook};
use crate::support::outside::ntfy::{self, Ntfy};
use crate::support::outside::smtp::{self, Smtp};
use crate::support::outside::twilio::World as Carrier;
use crate::support::program::Running;

const LOSEDATE: i64 = 1_900_000_000;

/// Another channel: its variables, and all texts that it was given.
struct Other {
    variables: Vec<(&'static str, String)>,
    texts: Box<dyn Fn() -> String>,
}

fn ntfy() -> Other {
    let server = Ntfy::start();
    Other {
        variables: vec![("MECRIS_NTFY__URL", server.url()), ("MECRIS_NTFY__TOKEN", ntfy::TOKEN.to_owned())],
        texts: Box::new(move || format!("{:?}", server.shown())),
    }
}

fn webhook() -> Other {
    let server = Hook::start();
    Other {
        variables: vec![
            ("MECRIS_WEBHOOK__URL", server.url()),
            ("MECRIS_WEBHOOK__SECRET", hook::SECRET.to_owned()),
        ],
        texts: Box::new(move || format!("{:?}", server.world.lock().received)),
    }
}

fn email() -> Other {
    let server = Smtp::start();
    let variables = [
        ("MECRIS_EMAIL__SERVER", server.address.ip().to_string()),
        ("MECRIS_EMAIL__PORT", server.address.port().to_string()),
        ("MECRIS_EMAIL__TLS", "none".to_owned()),
        ("MECRIS_EMAIL__FROM", "mecris@example.com".to_owned()),
        ("MECRIS_EMAIL__TO", "ada@example.com".to_owned()),
        ("MECRIS_EMAIL__USERNAME", smtp::USER.to_owned()),
        ("MECRIS_EMAIL__PASSWORD", smtp::PASSWORD.to_owned()),
    ];
    let texts = move || {
        let mails = server.world.lock().mails.clone();
        // Lines that were folded, and what quoted-printable broke.
        mails.iter().map(|mail| mail.data.replace("=\n", "").replace('\n', " ")).collect()
    };
    Other { variables: variables.to_vec(), texts: Box::new(texts) }
}

/// How a message is lost: its name, what the carrier does, its state, and the code.
type Way = (&'static str, fn(&mut Carrier), &'static str, u32);

const WAYS: [Way; 5] = [
    ("refused", |carrier| carrier.refuses_with = Some(21408), "refused", 21408),
    ("not registered", |carrier| carrier.ends_as = Some(("undelivered", 30034)), "undelivered", 30034),
    ("filtered", |carrier| carrier.ends_as = Some(("failed", 30007)), "undelivered", 30007),
    // Its validity ends at Twilio.
    ("expired", |carrier| carrier.is_stuck = true, "undelivered", 30036),
    // Twilio says no more of it, and the time in which it could has passed.
    ("forgotten", |carrier| carrier.behind_s = 40_000, "undelivered", 30036),
];

fn failed(alert: &Value) -> Option<&Value> {
    alert["attempts"].as_array().unwrap().iter().find(|attempt| attempt["failure"].is_object())
}

fn is_lost_and_told(way: Way, other: &Other) {
    let (name, carrier, state, code) = way;
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    carrier(&mut world.twilio.world.lock());
    let others: Vec<(&str, &str)> =
        other.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Without a validity of its own a message waits for ten hours.
    let validity = [("MECRIS_TWILIO__VALIDITY_SECONDS", "2")];
    let validity = if name == "expired" { &validity[..] } else { &[] };
    let running = world.start_with(&[&EAGER[..], &others, validity].concat());
    // The message itself arrives by the other channel, and so does what became of it.
    let meaning = meaning_of(code).unwrap();
    until(&format!("{name}: the goal is told otherwise"), || {
        (other.texts)().contains("walk derails").then_some(())
    });
    until(&format!("{name}: the failure is told"), || {
        let texts = (other.texts)();
        (texts.contains(meaning.what) && texts.contains(&code.to_string())).then_some(())
    });
    // Where the person looks.
    let alert = until("its record", || goal_alert(&running).filter(|alert| failed(alert).is_some()));
    let attempt = failed(&alert).unwrap();
    assert_eq!((&attempt["channel"], &attempt["state"]), (&"sms".into(), &state.into()), "{name}: {alert}");
    let failure = &attempt["failure"];
    assert_eq!(
        (&failure["code"], &failure["what"], &failure["mend"]),
        (&code.into(), &meaning.what.into(), &meaning.fix.into()),
        "{name}"
    );
    is_said_everywhere(&world, &running, code);
}

fn is_said_everywhere(world: &World, running: &Running, code: u32) {
    let meaning = meaning_of(code).unwrap();
    // Tables break lines; sentences below them do not.
    let table = world.home.run(&["alerts"]).out;
    let line = format!("{code}, {}; to mend it: {}", meaning.what, meaning.fix);
    assert!(table.contains(&line), "{table}");
    let narrated = running.get("/api/v1/narrator").json();
    let told = narrated["recommendations"].as_array().unwrap().iter().any(|told| {
        let text = told["text"].as_str().unwrap();
        told["rule"] == "message-failed" && text.contains(meaning.what) && text.contains(meaning.fix)
    });
    assert!(told, "{narrated}");
    let incidents = running.get("/api/v1/incidents").json();
    let told = incidents["incidents"].as_array().unwrap().iter().any(|incident| {
        let reason = incident["reason"].as_str().unwrap();
        incident["subject"] == "sms" && reason.contains(meaning.what) && reason.contains(meaning.fix)
    });
    assert!(told, "{incidents}");
    let scrape = running.get("/metrics").body;
    let own = |line: &str| {
        line.starts_with("mecris_alert_failures{")
            && line.contains(&format!("mecris_attempt_code=\"{code}\""))
            && line.contains("mecris_alert_channel=\"sms\"")
    };
    assert!(scrape.lines().any(own), "{scrape}");
    let doctor: Value =
        serde_json::from_str(&world.home.run(&["doctor", "--offline", "--json"]).out).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "messages by sms").expect("a check of messages");
    assert_eq!((&check["verdict"], &check["fix"]), (&"warning".into(), &meaning.fix.into()), "{check}");
    assert!(check["detail"].as_str().unwrap().contains(meaning.what), "{check}");
}

#[test]
fn what_is_refused_undelivered_or_expired_is_told_by_ntfy() {
    for way in WAYS {
        is_lost_and_told(way, &ntfy());
    }
}

#[test]
fn what_is_refused_undelivered_or_expired_is_told_by_mail_and_webhook() {
    is_lost_and_told(WAYS[0], &email());
    is_lost_and_told(WAYS[1], &webhook());
    is_lost_and_told(WAYS[3], &email());
}

/// No channel tells of its own failure: without another one it is shown, and what is waited for is said.
#[test]
fn without_another_channel_it_is_shown_here_and_what_is_missing_is_said() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    world.twilio.world.lock().ends_as = Some(("undelivered", 30034));
    let running = world.start_with(&EAGER);
    let own = until("an alert about the channel", || {
        let own = |alert: &Value| alert["kind"] == "channel" && alert["waits_for"].is_string();
        alerts(&running).into_iter().find(own)
    });
    assert_eq!(own["subject"], "sms");
    assert!(own["waits_for"].as_str().unwrap().contains("a channel"), "{own}");
    let goal = until("the goal's alert waits", || {
        goal_alert(&running).filter(|alert| alert["waits_for"].is_string())
    });
    assert!(goal["waits_for"].as_str().unwrap().contains("another channel"), "{goal}");
    assert_eq!(world.messages().len(), 1, "nothing is sent again where it cannot arrive");
    // A message that arrives ends it.
    world.twilio.world.lock().ends_as = None;
    world.twilio.world.lock().life = vec!["sent", "delivered"];
    world.beeminder.world.lock().goal("read", 0, LOSEDATE);
    until("it is over", || {
        let is_over = |alert: &Value| alert["kind"] == "channel" && alert["resolved_at"].is_string();
        alerts(&running).iter().any(is_over).then_some(())
    });
}

/// Every code of the table, once, from one run: at once where it is of the request, later where it is of the message.
#[test]
fn every_code_that_a_person_can_meet_is_shown_with_its_mend() {
    let world = World::consenting();
    world.twilio.world.lock().obeys_texts = true;
    for meaning in MEANINGS {
        world.beeminder.world.lock().goal(&format!("code-{}", meaning.code), 0, LOSEDATE);
    }
    let many = [
        ("MECRIS_ALERTS__MESSAGES_PER_HOUR", "10000"),
        ("MECRIS_ALERTS__MESSAGES_PER_DAY", "10000"),
        ("MECRIS_ALERTS__USD_PER_DAY", "1000"),
    ];
    let running = world.start_with(&[&EAGER[..], &many].concat());
    let shown = until("all of them are known", || {
        let goals: BTreeMap<String, Value> = alerts(&running)
            .into_iter()
            .filter(|alert| alert["kind"] == "goal")
            // One that is to be sent again is lost again, and is explained all the same.
            .filter_map(|alert| {
                Some((alert["subject"].as_str()?.to_owned(), failed(&alert)?["failure"].clone()))
            })
            .collect();
        (goals.len() == MEANINGS.len()).then_some(goals)
    });
    let table = world.home.run(&["alerts"]).out;
    for meaning in MEANINGS {
        let failure = &shown[&format!("code-{}", meaning.code)];
        assert_eq!(
            (&failure["code"], &failure["what"], &failure["mend"]),
            (&meaning.code.into(), &meaning.what.into(), &meaning.fix.into())
        );
        // A retry may be under way, of which nothing is known yet.
        let line = format!("{}, {}; to mend it: {}", meaning.code, meaning.what, meaning.fix);
        assert!(table.contains(&line), "{line}: {table}");
    }
}

const TEMPLATE: &str = "HX00000000000000000000000000000007";

fn on_whatsapp(world: &World, template: &str) -> Running {
    let config = world.home.dir.path().join("config.toml");
    let text = format!(
        "[alerts]\nladder = [{{ channel = 'whatsapp' }}]\n[twilio]\nwhatsapp_from = '+15005550006'\n{template}\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = [("MECRIS_CONFIG", config.to_str().unwrap())];
    world.start_with(&[&EAGER[..], &config].concat())
}

#[test]
fn outside_of_whatsapp_s_window_a_template_arrives_and_a_text_does_not() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    world.twilio.world.lock().is_outside_window = true;
    let text = "Mecris says {{1}} about {{2}}. Bye".to_owned();
    world.twilio.world.lock().templates.insert(TEMPLATE.to_owned(), text);
    let running = on_whatsapp(&world, "");
    let alert = until("the text is lost", || goal_alert(&running).filter(|alert| failed(alert).is_some()));
    let failure = &failed(&alert).unwrap()["failure"];
    assert_eq!(failure["code"], 63016, "{alert}");
    assert!(failure["mend"].as_str().unwrap().contains("twilio.whatsapp_templates"), "{alert}");
    drop(running);
    // With a template for its kind it arrives, though the first answer is lost: it is found, and sent once.
    world.twilio.front.fault(Fault::AnswerLost);
    world.beeminder.world.lock().goal("read", 0, LOSEDATE);
    let template = format!(
        "whatsapp_templates = [{{ kind = 'goal', content_sid = '{TEMPLATE}', variables = {{ '1' = '{{text}}', '2' = 'a {{kind}}' }} }}]"
    );
    let running = on_whatsapp(&world, &template);
    let sent = || -> Vec<String> {
        let messages = world.messages();
        let bodies = messages.iter().map(|message| message["body"].as_str().unwrap().to_owned());
        bodies.filter(|body| body.contains("read derails")).collect()
    };
    until("it was taken", || (!sent().is_empty()).then_some(()));
    world.twilio.front.fault(Fault::None);
    until("it is known", || {
        let is_told = |alert: &Value| alert["subject"] == "read" && alert["told_at"].is_string();
        alerts(&running).iter().any(is_told).then_some(())
    });
    let bodies = sent();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].starts_with("Mecris says Mecris: read derails"), "{bodies:?}");
    assert!(bodies[0].ends_with(" about a goal. Bye"), "{bodies:?}");
    assert_eq!(world.twilio.world.lock().complaints, Vec::<String>::new());
}
