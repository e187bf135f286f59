use super::*;

fn with(text: &str, variables: &[(&str, &str)]) -> Inspection {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let inspection = inspect_with(Some(&path), &variables);
    for (_, problem) in &inspection.problems {
        assert_eq!(problem.to_string().lines().count(), 1, "{problem}");
    }
    inspection
}

fn only_problem(text: &str, variables: &[(&str, &str)]) -> String {
    let problems = with(text, variables).problems;
    assert_eq!(problems.len(), 1, "{text} {variables:?}: {problems:?}");
    problems[0].1.to_string()
}

#[test]
fn a_broken_file_gives_one_line_with_the_place_and_the_mend() {
    let cases = [
        ("lisen = \"127.0.0.1:1\"", "config.toml:1: unknown key 'lisen'; did you mean 'listen'?"),
        ("\n[transcripts]\npol_seconds = 3", "config.toml:3: unknown key"),
        ("[transcripts]\npol_seconds = 3", "did you mean 'transcripts.poll_seconds'?"),
        ("listen = \"nowhere\"", "'listen': invalid socket address"),
        ("time_zone = \"Mars/Olympus\"", "'Mars/Olympus' is not a time zone; use an IANA name"),
        ("listen = ", "line 1: "),
        ("[log]\nreserve_mib = -1", "config.toml:2: 'log.reserve_mib'"),
        ("transcripts = 3", "unknown key 'transcripts'"),
        ("[beeminder]\napi_base = \"ftp://x\"", "its scheme is 'ftp'"),
        ("[beeminder]\napi_base = \"https://me:pw@x/\"", "has a user, a password"),
        ("[beeminder]\ntoken = \" \"", "a secret cannot be empty"),
        (
            "[[reminders]]\nname = \"walk\"",
            "config.toml:1: 'reminders': reminder 'walk': missing field `from`; `mecris",
        ),
        (
            "[reminder_tiers]\nfull_above_usd = 0.5",
            "expected a string; write the amount in quotes, such as \"0.50\"",
        ),
        ("[twilio]\nauth_token_file = \"/nowhere/at/all\"", "/nowhere/at/all: No such file"),
    ];
    for (text, expected) in cases {
        let message = only_problem(text, &[]);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn every_wrong_key_is_told_and_the_right_ones_are_used() {
    let text =
        "listen = \"nowhere\"\nlisen = 1\n[log]\nreserve_mib = 7\n[transcripts]\nenabled = \"perhaps\"";
    let inspection = with(text, &[("MECRIS_LOG__RESERVE", "x")]);
    let keys: Vec<&str> = inspection.problems.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["listen", "lisen", "transcripts.enabled", "log.reserve"]);
    assert_eq!(inspection.loaded.config.log.reserve_mib, 7);
    assert_eq!(inspection.loaded.config.listen, Config::default().listen);
}

#[test]
fn the_environment_is_stronger_than_the_file_and_ours_than_the_usual_names() {
    let text = "[beeminder]\nusername = \"file\"\npoll_seconds = 60";
    let environment = [
        ("BEEMINDER_USERNAME", "usual"),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "90"),
        ("MECRIS_TRANSCRIPTS__ROOTS", "/a, /b"),
        ("TWILIO_TO_NUMBER", "+15558675310"),
        ("MECRIS_TRANSCRIPTS__ENABLED", "false"),
        ("MECRIS_DATA_DIR", "/elsewhere"),
    ];
    let loaded = with(text, &environment).loaded;
    assert_eq!(loaded.config.beeminder.username, "usual");
    assert_eq!(loaded.origin("beeminder.username"), Origin::Variable { name: "BEEMINDER_USERNAME".into() });
    assert_eq!(loaded.config.beeminder.poll_seconds.get(), 90);
    assert_eq!(loaded.config.transcripts.roots, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(
        loaded.config.twilio.to_number.as_ref().map(Phone::expose),
        Some("+15558675310"),
        "it is text here"
    );
    assert!(!loaded.config.transcripts.enabled);
    assert_eq!(loaded.origin("listen"), Origin::Default);
    let ours = [("BEEMINDER_USERNAME", "usual"), ("MECRIS_BEEMINDER__USERNAME", "ours")];
    assert_eq!(with(text, &ours).loaded.config.beeminder.username, "ours");
    assert!(
        only_problem("", &[("MECRIS_LISTN", "x")])
            .contains("MECRIS_LISTN: unknown key 'listn'; did you mean 'listen'?")
    );
}

#[test]
fn a_secret_may_stand_in_a_file_and_is_shown_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    let path = path.to_str().unwrap();
    let loaded = with("", &[("BEEMINDER_AUTH_TOKEN_FILE", path)]).loaded;
    assert_eq!(loaded.config.beeminder.token.as_ref().map(Secret::expose), Some("s3cret"));
    assert!(!format!("{:?}", loaded.config).contains("s3cret"));
    assert!(!serde_json::to_string(&loaded.config).unwrap().contains("s3cret"));
    // The environment is stronger than the file's own key; in one layer one of them must go.
    let both = with("[beeminder]\ntoken = \"weaker\"", &[("BEEMINDER_AUTH_TOKEN_FILE", path)]).loaded;
    assert_eq!(both.config.beeminder.token.as_ref().map(Secret::expose), Some("s3cret"));
    let same = [("BEEMINDER_AUTH_TOKEN_FILE", path), ("BEEMINDER_AUTH_TOKEN", "x")];
    assert!(only_problem("", &same).contains("'beeminder.token' and 'beeminder.token_file' are both set"));
}

#[test]
fn what_is_absent_has_its_default() {
    let loaded = with("[log]\nreserve_mib = 1", &[]).loaded;
    assert_eq!(loaded.config.log.reserve_mib, 1);
    assert_eq!(loaded.config.listen, Config::default().listen);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = load(Some(Path::new("/nowhere/config.toml"))).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
}

#[test]
fn every_secret_may_stand_in_a_file_and_every_usual_name_is_a_key() {
    let Settled { defaults, .. } = Settled::default();
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let mut secrets = 0;
    for (table, definition) in schema["$defs"].as_object().unwrap() {
        for (name, property) in definition["properties"].as_object().into_iter().flatten() {
            let key = format!("{}.{name}", table.to_lowercase());
            if property.to_string().contains("#/$defs/Phone") {
                assert!(keys::all().any(|known| known.name == key), "{key}");
            }
            if property.to_string().contains("#/$defs/Secret") {
                assert!(defaults.contains_key(&format!("{key}_file")), "{key}");
                assert!(keys::all().any(|known| known.name == key && known.is_secret()), "{key}");
                secrets += 1;
            }
        }
    }
    assert!(secrets >= 5, "{secrets}");
    for (variable, key) in keys::usual_names() {
        assert!(defaults.contains_key(&key), "{variable}: {key}");
    }
}

#[test]
fn the_schema_for_editors_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/config.json");
    let said = serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap() + "\n";
    if std::env::var_os("MECRIS_BLESS").is_some() {
        std::fs::write(path, &said).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == said, "schemas/config.json is not what the code says; write it with MECRIS_BLESS=1");
}
