//! `mecris doctor`: on an empty machine, on a configuration with an error in every setting, and beside a
//! running supervisor.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::goals::in_utc;
use crate::support::outside::Fault;
use crate::support::outside::anthropic::{self, Anthropic};
use crate::support::outside::beeminder;
use crate::support::outside::openai::{self, OpenAi};
use crate::support::outside::purses;
use crate::support::outside::smtp::{self, Smtp};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Said};

fn diagnose(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let said: Said = home.run(&[&["doctor", "--json"], arguments].concat());
    let json = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    (said.code, json)
}

/// The verdict of each check, by name; the worst where there are several.
fn verdicts(diagnosis: &Value) -> BTreeMap<String, String> {
    let rank =
        |verdict: &str| ["ok", "skipped", "warning", "problem"].iter().position(|known| *known == verdict);
    let mut verdicts: BTreeMap<String, String> = BTreeMap::new();
    for check in diagnosis["checks"].as_array().unwrap() {
        let (name, verdict) = (check["name"].as_str().unwrap(), check["verdict"].as_str().unwrap());
        let needs_mend = matches!(verdict, "warning" | "problem");
        assert_eq!(check["fix"].is_string(), needs_mend, "{check}");
        let known = verdicts.entry(name.to_owned()).or_insert_with(|| verdict.to_owned());
        if rank(verdict) > rank(known) {
            verdict.clone_into(known);
        }
    }
    verdicts
}

#[test]
fn on_an_empty_machine_nothing_stands_in_the_way() {
    let home = Home::new();
    let (code, diagnosis) = diagnose(&home, &[]);
    assert_eq!(code, 0, "{diagnosis}");
    let verdicts = verdicts(&diagnosis);
    for name in ["configuration", "time_zone", "data directory", "disk", "log", "listen", "prices"] {
        assert_eq!(verdicts[name], "ok", "{name}: {diagnosis}");
    }
    assert_eq!(verdicts["transcripts"], "warning");
    let unset =
        ["beeminder", "twilio", "email", "ntfy", "webhook", "anthropic", "anthropic admin", "telemetry"];
    let providers = ["openai", "openrouter", "deepseek", "moonshot"];
    for name in unset.into_iter().chain(providers).chain(["clock", "vault.path", "reminders"]) {
        assert_eq!(verdicts[name], "skipped", "{name}: {diagnosis}");
    }
    let settings = diagnosis["settings"].as_array().unwrap();
    assert!(settings.iter().all(|setting| setting["origin"] == "default"), "{settings:?}");
    assert!(!home.data().exists(), "looking makes nothing");
    let said = home.run(&["doctor"]);
    assert!(said.out.ends_with("Nothing stands in the way.\n"), "{said:?}");
}

/// Every key of the configuration with a value that cannot be right.
const WRONG: &[(&str, &str)] = &[
    ("time_zone", "\"Mars/Olympus\""),
    ("week_starts", "\"someday\""),
    ("listen", "\"nowhere\""),
    ("tls.certificate", "7"),
    ("tls.key", "7"),
    ("tls.names", "\"mecris.example\""),
    ("tls.plain", "\"perhaps\""),
    ("people.activity", "\"perhaps\""),
    ("prices", "\"/nowhere/prices.json\""),
    ("transcripts.enabled", "\"perhaps\""),
    ("transcripts.roots", "\"/one\""),
    ("transcripts.poll_seconds", "0"),
    ("log.reserve_mib", "-1"),
    ("backup.root", "7"),
    ("outside.timeout_seconds", "0"),
    ("alerts.ladder", r#"[{ channel = "pigeon" }]"#),
    ("alerts.until", "\"tomorrow\""),
    ("alerts.quiet_hours", "\"at night\""),
    ("alerts.immediate_breaks_quiet", "\"perhaps\""),
    ("alerts.messages_per_hour", "-1"),
    ("alerts.messages_per_day", "\"many\""),
    ("alerts.usd_per_day", "\"a dollar\""),
    ("alerts.sms_usd", "\"cheap\""),
    ("alerts.segments_max", "0"),
    ("alerts.budget_percents", "[\"half\"]"),
    ("alerts.balance_low_usd", "\"little\""),
    ("alerts.settle_seconds", "-1"),
    ("alerts.retry_seconds", "0"),
    ("gate.session_usd", "\"five\""),
    ("gate.day_usd", "20"),
    ("gate.budgets", "\"perhaps\""),
    ("gate.warn_percent", "-1"),
    ("gate.fail_closed", "\"perhaps\""),
    ("gate.unknown", "\"perhaps\""),
    ("mcp.session_seconds", "0"),
    ("tenants.idle_seconds", "0"),
    ("otlp.enabled", "\"perhaps\""),
    ("otlp.listen", "\"nowhere\""),
    ("otlp.grpc_listen", "\"127.0.0.1\""),
    ("telemetry.endpoint", "\"127.0.0.1:4317\""),
    ("telemetry.protocol", "\"carrier-pigeon\""),
    ("telemetry.headers", "\"marked\""),
    ("telemetry.headers_file", "\"/nowhere/headers\""),
    ("telemetry.traces", "\"perhaps\""),
    ("telemetry.logs", "\"perhaps\""),
    ("telemetry.metrics", "\"perhaps\""),
    ("telemetry.sample_percent", "101"),
    ("beeminder.token", "\"two words\""),
    ("beeminder.token_file", "\"/nowhere/token\""),
    ("beeminder.username", "\"ada lovelace\""),
    ("beeminder.api_base", "\"ftp://example.com/\""),
    ("beeminder.poll_seconds", "0"),
    ("twilio.account_sid", "\"AC12\""),
    ("twilio.auth_token", "\"short\""),
    ("twilio.auth_token_file", "\"/nowhere/token\""),
    ("twilio.api_key_sid", "\"AC12\""),
    ("twilio.api_key_secret", "\"a b\""),
    ("twilio.api_key_secret_file", "\"/nowhere/token\""),
    ("twilio.from_number", "\"5550006\""),
    ("twilio.messaging_service_sid", "\"MG\""),
    ("twilio.to_number", "\"(555) 867-5310\""),
    ("twilio.whatsapp_from", "\"14155238886\""),
    ("twilio.whatsapp_templates", r#"[{ kind = "goal", content_sid = "HX1" }]"#),
    ("twilio.validity_seconds", "0"),
    ("twilio.api_base", "\"https://user:password@example.com/\""),
    ("twilio.public_url", "\"example.com\""),
    ("ntfy.url", "\"https://ntfy.sh/\""),
    ("ntfy.token", "\"marked-token\""),
    ("ntfy.token_file", "\"/nowhere/token\""),
    ("webhook.url", "\"https://me:marked@example.com/\""),
    ("webhook.secret", "\"marked\""),
    ("webhook.secret_file", "\"/nowhere/token\""),
    ("email.server", "\"smtp.example.com:25\""),
    ("email.port", "0"),
    ("email.tls", "\"perhaps\""),
    ("email.username", "\"marked\\u0007\""),
    ("email.password", "\"marked\\u0007word\""),
    ("email.password_file", "\"/nowhere/token\""),
    ("email.from", "\"marked\""),
    ("email.to", "\"marked@\""),
    ("anthropic.api_key", "\"sk-ant-admin01-0000\""),
    ("anthropic.api_key_file", "\"/nowhere/token\""),
    ("anthropic.admin_key", "\"sk-ant-api03-0000\""),
    ("anthropic.admin_key_file", "\"/nowhere/token\""),
    ("anthropic.api_base", "\"example.com\""),
    ("providers.poll_seconds", "0"),
    ("providers.backfill_days", "-1"),
    ("openai.admin_key", "\"sk-proj-marked\""),
    ("openai.admin_key_file", "\"/nowhere/token\""),
    ("openai.api_base", "\"example.com\""),
    ("openrouter.api_key", "\"sk-marked\""),
    ("openrouter.api_key_file", "\"/nowhere/token\""),
    ("openrouter.api_base", "\"example.com\""),
    ("deepseek.api_key", "\"marked\""),
    ("deepseek.api_key_file", "\"/nowhere/token\""),
    ("deepseek.api_base", "\"example.com\""),
    ("moonshot.api_key", "\"sk-marked two\""),
    ("moonshot.api_key_file", "\"/nowhere/token\""),
    ("moonshot.api_base", "\"example.com\""),
    ("moonshot.currency", "\"dollars\""),
    ("vault.path", "\"/nowhere/Notes\""),
    ("console.enabled", "\"perhaps\""),
    ("console.providers", "[\"nobody\"]"),
    ("console.recipes", "\"/nowhere/recipes\""),
    ("console.every_hours", "0"),
    ("vault.poll_seconds", "0"),
    ("vault.record_text", "\"perhaps\""),
    ("vault.goal_tag", "5"),
    ("vault.goal_folder", "5"),
    ("vault.log_heading", "5"),
    ("vault.iso_weeks", "\"perhaps\""),
    ("console.browser", "\"/nowhere/chromium\""),
    ("console.as_root", "\"perhaps\""),
    ("console.memory_mib", "0"),
    ("console.page_seconds", "-1"),
    ("reminder_tiers.full_above_usd", "2.5"),
    ("reminder_tiers.template_above_usd", "\"-1\""),
    ("reminder_tiers.budget", "\"Main Budget\""),
    ("reminders", r#"[{ name = "walk", from = "18:00", until = "21:00", message = "{gaol}" }]"#),
];

#[test]
fn an_error_in_each_setting_is_told_each_with_its_mend() {
    let keys = mecris::config::settings_of(&mecris::config::Config::default());
    let covered: Vec<&str> = WRONG.iter().map(|(key, _)| *key).collect();
    for (key, _) in keys {
        assert!(covered.contains(&key.as_str()), "no wrong value is tried for {key}");
    }
    let home = Home::new();
    let path = home.dir.path().join("config.toml");
    let option = ["--offline", "--config", path.to_str().unwrap()];
    let of_table = |table: &str, key: &str| match key.split_once('.') {
        Some((known, name)) => (known == table).then(|| name.to_owned()),
        None => table.is_empty().then(|| key.to_owned()),
    };
    // All at once: one run tells of every one.
    let mut text = String::new();
    let tables: BTreeSet<&str> =
        WRONG.iter().map(|(key, _)| key.split_once('.').map_or("", |(table, _)| table)).collect();
    for table in tables {
        if !table.is_empty() {
            text += &format!("[{table}]\n");
        }
        for (key, value) in WRONG {
            // A secret and its file cannot both be set; the files' own row follows.
            if let Some(name) = of_table(table, key).filter(|name| !name.ends_with("_file")) {
                text += &format!("{name} = {value}\n");
            }
        }
    }
    std::fs::write(&path, &text).unwrap();
    let (code, diagnosis) = diagnose(&home, &option);
    assert_eq!(code, 1);
    let all = verdicts(&diagnosis);
    for (key, _) in WRONG.iter().filter(|(key, _)| !key.ends_with("_file")) {
        assert_eq!(all.get(*key).map(String::as_str), Some("problem"), "{key}: {diagnosis:#}");
    }
    let said = diagnosis.to_string();
    for secret in ["two words", "a b\"", "867-5310", "user:password", "marked"] {
        assert!(!said.contains(secret), "{secret} is shown");
    }
    // Each alone: no other setting is blamed.
    for (key, value) in WRONG {
        let line = match key.split_once('.') {
            Some((table, name)) => format!("[{table}]\n{name} = {value}\n"),
            None => format!("{key} = {value}\n"),
        };
        std::fs::write(&path, line).unwrap();
        let (code, diagnosis) = diagnose(&home, &option);
        assert_eq!(code, 1, "{key}: {diagnosis}");
        let verdicts = verdicts(&diagnosis);
        assert_eq!(verdicts.get(*key).map(String::as_str), Some("problem"), "{key}: {diagnosis}");
        let table = key.split('.').next().unwrap();
        let others =
            verdicts.iter().filter(|(name, verdict)| *verdict == "problem" && !name.starts_with(table));
        assert_eq!(others.count(), 0, "{key}: {diagnosis}");
    }
    // A configuration that cannot be read at all is one problem, and the rest is looked at all the same.
    std::fs::write(&path, "listen = ").unwrap();
    let (code, diagnosis) = diagnose(&home, &option);
    let verdicts = verdicts(&diagnosis);
    assert_eq!((code, verdicts["configuration"].as_str(), verdicts["disk"].as_str()), (1, "problem", "ok"));
}

#[test]
fn each_setting_is_shown_with_where_it_came_from() {
    let home = Home::new();
    let path = home.dir.path().join("config.toml");
    std::fs::write(&path, "\n[log]\nreserve_mib = 7\n\n[beeminder]\ntoken = \"marked-secret-1\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let token = home.dir.path().join("twilio");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = home.command(&["doctor", "--json", "--offline", "--config", path.to_str().unwrap()]);
    command.env("TWILIO_AUTH_TOKEN_FILE", &token).env("MECRIS_TRANSCRIPTS__POLL_SECONDS", "9");
    let said: Said = command.output().unwrap().into();
    let diagnosis: Value = serde_json::from_str(&said.out).unwrap();
    let setting = |key: &str| {
        let settings = diagnosis["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
        (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(setting("log.reserve_mib"), (7.into(), format!("{}:3", path.display())));
    assert_eq!(setting("beeminder.token"), ("(hidden)".into(), format!("{}:6", path.display())));
    assert_eq!(setting("twilio.auth_token"), ("(hidden)".into(), "TWILIO_AUTH_TOKEN_FILE".into()));
    assert_eq!(setting("transcripts.poll_seconds"), (9.into(), "MECRIS_TRANSCRIPTS__POLL_SECONDS".into()));
    assert_eq!(setting("listen").1, "default");
    assert!(!said.out.contains("marked-secret") && !said.out.contains("0123456789abcdef"), "{said:?}");
    let verdicts = verdicts(&diagnosis);
    assert_eq!(verdicts[&path.display().to_string()], "warning", "others may read the secret in it");
    assert!(!verdicts.contains_key(&token.display().to_string()), "only the owner may read that one");
    assert_eq!(verdicts["twilio.account_sid"], "problem", "a token alone is not an account");
}

#[test]
fn reminders_are_counted_and_their_tiers_must_be_in_order() {
    let home = Home::new();
    let path = home.dir.path().join("config.toml");
    let reminder = |name: &str| {
        format!("[[reminders]]\nname = \"{name}\"\nfrom = \"18:00\"\nuntil = \"21:00\"\nmessage = \"Go!\"\n")
    };
    let diagnose = |text: &str| {
        std::fs::write(&path, text).unwrap();
        diagnose(&home, &["--offline", "--config", path.to_str().unwrap()])
    };
    let two = reminder("walk") + &reminder("run");
    let (code, diagnosis) = diagnose(&two);
    assert_eq!((code, verdicts(&diagnosis)["reminders"].as_str()), (0, "ok"), "{diagnosis}");
    assert!(diagnosis["checks"].to_string().contains("\"2 set\""), "{diagnosis}");
    // Of several, each that is wrong is named.
    let wrong = two.replacen("18:00", "6 pm", 1) + &reminder("run");
    let (code, diagnosis) = diagnose(&wrong);
    assert_eq!((code, verdicts(&diagnosis)["reminders"].as_str()), (1, "problem"));
    let said = diagnosis["checks"].to_string();
    assert!(said.contains("'walk': '6 pm' is not a time") && said.contains("'run': another one"), "{said}");
    let (code, diagnosis) = diagnose("[reminder_tiers]\nfull_above_usd = \"0.25\"\n");
    assert_eq!(code, 1);
    assert_eq!(verdicts(&diagnosis)["reminder_tiers.template_above_usd"], "problem", "{diagnosis}");
}

#[test]
fn it_looks_beside_a_running_supervisor() {
    let home = Home::new();
    home.transcript("a.jsonl", "");
    let running = home.start(&[]);
    let port = running.url.rsplit(':').next().unwrap().to_owned();
    let mut command = home.command(&["doctor", "--json", "--offline"]);
    let said: Said = command.env("MECRIS_LISTEN", format!("127.0.0.1:{port}")).output().unwrap().into();
    let diagnosis: Value = serde_json::from_str(&said.out).unwrap();
    let checks = diagnosis["checks"].to_string();
    assert_eq!(said.code, 0, "{checks}");
    assert!(checks.contains("a supervisor holds it"), "{checks}");
    assert!(checks.contains("where the supervisor listens"), "{checks}");
    assert_eq!(running.stop(), 0);
    // A foreign program in the same place is a problem.
    let foreign = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = home.command(&["doctor", "--json", "--offline"]);
    let address = foreign.local_addr().unwrap().to_string();
    let said: Said = command.env("MECRIS_LISTEN", address).output().unwrap().into();
    assert_eq!(said.code, 1, "{said:?}");
}

#[test]
fn a_mail_server_is_asked_for_its_greeting_and_takes_the_login_or_not() {
    let home = Home::new();
    let server = Smtp::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let diagnose = |port: u16, password: &str| {
        let mut command = home.command(&["doctor", "--json"]);
        command
            .env("MECRIS_EMAIL__SERVER", server.address.ip().to_string())
            .env("MECRIS_EMAIL__PORT", port.to_string())
            .env("MECRIS_EMAIL__TLS", "none")
            .env("MECRIS_EMAIL__FROM", "mecris@example.com")
            .env("MECRIS_EMAIL__TO", "marked-ada@example.com")
            .env("MECRIS_EMAIL__USERNAME", smtp::USER)
            .env("MECRIS_EMAIL__PASSWORD", password);
        let said: Said = command.output().unwrap().into();
        assert!(!said.out.contains("marked") && !said.err.contains("marked"), "{said:?}");
        verdicts(&serde_json::from_str(&said.out).unwrap())["email"].clone()
    };
    let port = server.address.port();
    assert_eq!(diagnose(port, smtp::PASSWORD), "ok");
    assert_eq!(diagnose(port, "marked-wrong"), "problem");
    assert_eq!(diagnose(nobody.port(), smtp::PASSWORD), "problem");
    assert_eq!(server.world.lock().mails, []);
}

const SYSTEMS: [&str; 4] = ["beeminder", "twilio", "anthropic", "anthropic admin"];

/// The systems answer, refuse the key, or are not there: each is told with its mend.
#[test]
fn each_system_is_asked_with_its_own_key() {
    let home = Home::new();
    let servers = (in_utc(), Twilio::start(), Anthropic::start());
    let (beeminder, twilio, anthropic) = (servers.0.base(), servers.1.front.url(), servers.2.front.url());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let diagnose = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = home.command(&[&["doctor", "--json"], arguments].concat());
        command
            .env("BEEMINDER_API_BASE", &beeminder)
            .env("TWILIO_API_BASE", &twilio)
            .env("ANTHROPIC_API_BASE", &anthropic)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nobody}"))
            .envs(variables.iter().copied());
        let said: Said = command.output().unwrap().into();
        assert!(!said.out.contains("marked-") && !said.err.contains("marked-"), "{said:?}");
        (said.code, verdicts(&serde_json::from_str(&said.out).unwrap()))
    };
    let right = [
        ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
        ("ANTHROPIC_API_KEY", anthropic::KEY),
        ("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY),
    ];
    let right = [&right[..], &twilio::VARIABLES].concat();
    let (code, verdicts) = diagnose(&right, &[]);
    assert_eq!(code, 0, "{verdicts:?}");
    for name in SYSTEMS.iter().chain(&["clock"]) {
        assert_eq!(verdicts[*name], "ok", "{name}");
    }
    assert_eq!(verdicts["telemetry"], "warning", "nobody listens there");
    let wrong = [
        ("BEEMINDER_AUTH_TOKEN", "marked-wrong-token"),
        ("TWILIO_AUTH_TOKEN", "ffffffffffffffffffffffffffffffff"),
        ("ANTHROPIC_API_KEY", "sk-ant-api03-marked-wrong"),
        ("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-marked-wrong"),
    ];
    let (code, verdicts) = diagnose(&[&right[..], &wrong].concat(), &[]);
    assert_eq!((code, SYSTEMS.map(|name| verdicts[name].as_str())), (1, ["problem"; 4]));
    // Offline nobody is asked, and a system that is not there stops nothing else.
    let asked = servers.0.front.requests();
    let (code, verdicts) = diagnose(&right, &["--offline"]);
    assert_eq!((code, SYSTEMS.map(|name| verdicts[name].as_str())), (0, ["skipped"; 4]));
    assert_eq!(servers.0.front.requests(), asked);
    servers.0.front.fault(Fault::Refused);
    let (code, verdicts) = diagnose(&right, &[]);
    assert_eq!((code, verdicts["beeminder"].as_str(), verdicts["twilio"].as_str()), (1, "problem", "ok"));
}

/// The providers' official interfaces: each with its key, with a wrong one, and OpenRouter's with an ordinary one.
#[test]
fn each_provider_is_asked_what_its_key_reads() {
    let home = Home::new();
    let openai = OpenAi::start();
    let (openrouter, deepseek, moonshot) = (purses::openrouter(), purses::deepseek(), purses::moonshot());
    let diagnose = |keys: [&str; 4]| {
        let mut command = home.command(&["doctor", "--json"]);
        let names = ["OPENAI_ADMIN_KEY", "OPENROUTER_API_KEY", "DEEPSEEK_API_KEY", "MOONSHOT_API_KEY"];
        command
            .env("OPENAI_API_BASE", openai.front.url())
            .env("OPENROUTER_API_BASE", openrouter.front.url())
            .env("DEEPSEEK_API_BASE", deepseek.front.url())
            .env("MOONSHOT_API_BASE", moonshot.front.url())
            .envs(names.into_iter().zip(keys));
        let said: Said = command.output().unwrap().into();
        assert!(!said.out.contains("marked-") && !said.err.contains("marked-"), "{said:?}");
        let diagnosis: Value = serde_json::from_str(&said.out).unwrap();
        let verdicts = verdicts(&diagnosis);
        let of = ["openai", "openrouter", "deepseek", "moonshot"].map(|name| verdicts[name].clone());
        (of, diagnosis["checks"].to_string())
    };
    let right = [openai::ADMIN_KEY, purses::OPENROUTER_KEY, purses::DEEPSEEK_KEY, purses::MOONSHOT_KEY];
    assert_eq!(diagnose(right).0, ["ok"; 4]);
    let wrong = ["sk-admin-marked-wrong", "sk-or-marked-wrong", "sk-marked-wrong", "sk-marked-wrong"];
    let (verdicts, said) = diagnose(wrong);
    assert_eq!(verdicts, ["problem"; 4]);
    for mend in
        ["platform.openai.com", "openrouter.ai/settings", "platform.deepseek.com", "platform.moonshot.ai"]
    {
        assert!(said.contains(mend), "{mend}: {said}");
    }
    let ordinary = [right[0], purses::OPENROUTER_ORDINARY_KEY, right[2], right[3]];
    let (verdicts, said) = diagnose(ordinary);
    assert_eq!(verdicts, ["ok"; 4]);
    assert!(said.contains("only a management key reads the account's credits"), "{said}");
}
