//! The gate and the status line, as Claude Code calls them: the real program, its standard input and output.

#[path = "gate/hook_input.rs"]
mod hook_input;

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::program::{Home, Running, Said, everything_below};

/// What a supervisor on a busy machine may need; a test must not fail for it.
const PATIENT: [&str; 2] = ["--within", "60000"];

/// A billed call of a session, today.
fn call(number: u32, session: &str) -> String {
    let line = json!({
        "type": "assistant", "timestamp": Timestamp::now().to_string(), "sessionId": session, "cwd": "/home/ada",
        "requestId": format!("req_{number}"),
        "message": {
            "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 0, "output_tokens": 100_000},
        },
    });
    format!("{line}\n")
}

/// What a session of `calls` costs, by the bundled prices.
fn home_with(calls: &[(u32, &str)]) -> Home {
    let home = Home::new();
    home.transcript(
        "a.jsonl",
        calls.iter().map(|(number, session)| call(*number, session)).collect::<String>(),
    );
    home.json(&["import"]);
    home
}

fn spawn(home: &Home, arguments: &[&str], variables: &[(&str, &str)], told: &str) -> Child {
    let mut child = home
        .command(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
    child
}

fn tell(home: &Home, arguments: &[&str], variables: &[(&str, &str)], told: &str) -> Said {
    spawn(home, arguments, variables, told).wait_with_output().unwrap().into()
}

/// What a hook tells.
fn hook(event: &str, session: &str) -> String {
    json!({
        "hook_event_name": event, "session_id": session, "cwd": "/home/ada", "permission_mode": "default",
        "transcript_path": "/home/ada/.claude/projects/x.jsonl",
        "tool_name": "Bash", "tool_input": {"command": "echo marked-secret"}, "prompt": "marked-secret",
    })
    .to_string()
}

/// The answer to a hook; null where it says nothing.
fn ask(home: &Home, event: &str, session: &str) -> Value {
    let said = tell(home, &[&["gate"], &PATIENT[..]].concat(), &[], &hook(event, session));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    if said.out.is_empty() { Value::Null } else { serde_json::from_str(&said.out).unwrap() }
}

fn put_budget(running: &Running, name: &str, body: &Value) {
    let bearer = format!("Bearer {}", running.token);
    let path = format!("/api/v1/budgets/{name}");
    let answer = running.send("PUT", &path, &[("authorization", &bearer)], Some(&body.to_string()));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_session_over_its_cap_is_stopped_and_no_other() {
    // One call costs 2.50 USD.
    let home = home_with(&[(1, "dear"), (2, "dear"), (3, "cheap")]);
    let running =
        home.start_with(&[], &[("MECRIS_GATE__SESSION_USD", "5"), ("MECRIS_GATE__WARN_PERCENT", "50")]);
    let why = "this session: 5.00 of 5.00 USD spent";
    let denied = ask(&home, "PreToolUse", "dear");
    assert_eq!(denied["hookSpecificOutput"]["hookEventName"], "PreToolUse");
    assert_eq!(denied["hookSpecificOutput"]["permissionDecision"], "deny");
    assert!(
        denied["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap().contains(why),
        "{denied}"
    );
    let blocked = ask(&home, "UserPromptSubmit", "dear");
    assert_eq!(blocked["decision"], "block");
    assert!(blocked["reason"].as_str().unwrap().contains(why), "{blocked}");
    let warned = ask(&home, "PreToolUse", "cheap");
    assert!(warned.get("hookSpecificOutput").is_none(), "{warned}");
    assert!(warned["systemMessage"].as_str().unwrap().contains("2.50 of 5.00 USD spent"), "{warned}");
    assert_eq!(ask(&home, "PreToolUse", "new"), Value::Null);
    // To block a stop would have Claude go on.
    assert!(ask(&home, "Stop", "dear").get("decision").is_none());
    // The same over HTTP, as a hook of type `http` sends it.
    let bearer = format!("Bearer {}", running.token);
    let hook = hook("PreToolUse", "dear");
    let answer = running.send("POST", "/api/v1/gate", &[("authorization", &bearer)], Some(&hook));
    assert_eq!(answer.json(), denied);
    assert_eq!(running.stop(), 0);
    let kept = everything_below(&home.data());
    assert!(!kept.windows(13).any(|window| window == b"marked-secret"), "what a tool was to do was kept");
}

#[test]
fn a_budget_that_is_spent_stops_what_it_covers() {
    let home = home_with(&[(1, "s1")]);
    let running = home.start(&[]);
    put_budget(&running, "work", &json!({"amount_usd": "2", "project": "/home/ada"}));
    put_budget(&running, "elsewhere", &json!({"amount_usd": "1", "project": "/home/bob"}));
    put_budget(&running, "opus", &json!({"amount_usd": "1", "model": "claude-opus-*"}));
    let check = |arguments: &[&str]| -> (i32, Value) {
        let said = home.run(&[&["gate", "check", "--json"], arguments].concat());
        (said.code, serde_json::from_str(&said.out).unwrap())
    };
    let names = |shown: &Value| -> Vec<String> {
        let reasons = shown["reasons"].as_array().unwrap().iter();
        reasons.map(|reason| format!("{} {}", reason["verdict"], reason["budget"]).replace('"', "")).collect()
    };
    let (code, shown) = check(&["--project", "/home/ada"]);
    assert_eq!((code, names(&shown)), (1, vec!["block work".into(), "warn opus".into()]), "{shown}");
    let (code, shown) = check(&["--project", "/home/eve", "--model", "claude-haiku-4-5"]);
    assert_eq!((code, names(&shown)), (0, Vec::new()), "{shown}");
    let (code, whole) = check(&["--project", "/home/ada", "--model", "claude-opus-5", "--session", "s1"]);
    assert_eq!((code, names(&whole)), (1, vec!["block opus".into(), "block work".into()]), "{whole}");
    assert_eq!(ask(&home, "UserPromptSubmit", "any")["decision"], "block");
    // More money: it goes on at once.
    put_budget(&running, "work", &json!({"amount_usd": "200", "project": "/home/ada"}));
    assert!(ask(&home, "UserPromptSubmit", "any").get("decision").is_none());
    put_budget(&running, "work", &json!({"amount_usd": "2", "project": "/home/ada"}));
    assert_eq!(running.stop(), 0);
    // Without a supervisor, the log says the same.
    let (code, alone) = check(&["--project", "/home/ada", "--model", "claude-opus-5", "--session", "s1"]);
    assert_eq!((code, &alone["reasons"]), (1, &whole["reasons"]));
}

#[test]
fn without_an_answer_work_goes_on_and_it_is_said_unless_it_shall_stop() {
    let home = Home::new();
    let closed = [("MECRIS_GATE__FAIL_CLOSED", "true")];
    std::fs::create_dir_all(home.data()).unwrap();
    let at = home.root().join("mecris.sock");
    // What listens in this test is who holds the directory, as far as anybody can see: what it says is judged by itself.
    let lock = std::fs::File::create(home.root().join("lock")).unwrap();
    lock.lock().unwrap();
    let holder = json!({ "url": "http://127.0.0.1:1", "pid": std::process::id() }).to_string();
    std::fs::write(home.root().join("server.json"), holder).unwrap();
    let answers = |answer: Option<&'static [u8]>| {
        let listener = std::os::unix::net::UnixListener::bind(&at).unwrap();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer);
                } else {
                    kept.push(stream);
                }
            }
        });
    };
    let cases: [(&dyn Fn(), &str); 5] = [
        (&|| {}, "is not running"),
        // What one leaves that was killed.
        (&|| drop(std::os::unix::net::UnixListener::bind(&at).unwrap()), "is not running"),
        (&|| std::fs::write(&at, "no socket").unwrap(), "is not running"),
        (&|| answers(Some(b"220 smtp.example.com\r\n\r\n")), "is no Mecris"),
        (&|| answers(None), "did not answer within 20 ms"),
    ];
    for (make, why) in cases {
        let _ = std::fs::remove_file(&at);
        make();
        let within =
            if why.contains("within") { ["gate", "--within", "20"] } else { ["gate", "--within", "60000"] };
        let said = tell(&home, &within, &[], &hook("PreToolUse", "s1"));
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(said.code, 0, "{said:?}");
        assert!(answer.get("hookSpecificOutput").is_none(), "{answer}");
        let message = answer["systemMessage"].as_str().unwrap();
        assert!(message.contains(why) && message.contains("Work goes on"), "{why}: {message}");
        let said = tell(&home, &within, &closed, &hook("PreToolUse", "s1"));
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny", "{answer}");
        let said = tell(&home, &within, &closed, &hook("UserPromptSubmit", "s1"));
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(answer["decision"], "block", "{answer}");
        assert!(answer["reason"].as_str().unwrap().contains(why), "{answer}");
        let line = tell(
            &home,
            &[&["statusline"], &within[1..]].concat(),
            &[],
            "{\"cost\":{\"total_cost_usd\":0.426}}",
        );
        assert_eq!((line.code, line.out.as_str()), (0, "0.43 session | Mecris does not answer\n"), "{why}");
    }
    for told in ["", "not JSON", "[1]"] {
        let said = tell(&home, &["gate"], &[], told);
        assert!(said.code == 0 && said.out.contains("no hook's JSON"), "{said:?}");
        let said = tell(&home, &["gate"], &closed, told);
        assert!(said.code == 2 && said.err.contains("no hook's JSON"), "{said:?}");
    }
}

#[test]
fn the_status_line_has_session_day_budget_and_goal() {
    let home = home_with(&[(1, "s1"), (2, "s2")]);
    home.json(&["goal", "new", "letter", "--due", "2999-01-01"]);
    let running = home.start_with(&[], &[("MECRIS_GATE__DAY_USD", "50")]);
    let line = |told: &Value| {
        let said = tell(&home, &[&["statusline"], &PATIENT[..]].concat(), &[], &told.to_string());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        said.out
    };
    let told = json!({"session_id": "s1", "cwd": "/home/ada", "model": {"id": "claude-opus-5"}});
    let shown = line(&told);
    assert!(shown.starts_with("2.50 session | 5.00 today | letter "), "{shown}");
    put_budget(&running, "wide", &json!({"amount_usd": "100"}));
    put_budget(&running, "narrow", &json!({"amount_usd": "8"}));
    let mut told = told;
    // Claude Code's own number is nought after a resume, and not reset by `/clear`: the log's own sum counts.
    for own in [0.0, 2.61] {
        told["cost"] = json!({"total_cost_usd": own});
        let shown = line(&told);
        assert!(shown.starts_with("2.50 session | 5.00 today | 3.00 left in narrow | letter "), "{shown}");
    }
    // Where the log knows nothing of the session it is shown, and marked.
    let elsewhere = json!({"session_id": "s9", "cost": {"total_cost_usd": 2.61}});
    assert!(line(&elsewhere).starts_with("~2.61 session | 5.00 today"), "{}", line(&elsewhere));
    put_budget(&running, "narrow", &json!({"amount_usd": "5"}));
    assert!(line(&told).starts_with("STOP | "));
    // What it tells of a subscription is recorded, and nobody waits for it.
    // A window that makes no sense takes not the other with it.
    let end = Timestamp::now().as_second() + 3_600;
    let quota = || running.get("/api/v1/quota").json()["quotas"][0]["used_percent"].clone();
    for (used, odd) in [(json!(23.5), json!("many")), (json!(40), json!(140))] {
        let window = |used: &Value| json!({"used_percentage": used, "resets_at": end});
        told["rate_limits"] = json!({"five_hour": window(&used), "seven_day": window(&odd)});
        line(&told);
        let used = used.to_string();
        for _ in 0..1_200 {
            if quota() != used.as_str() {
                std::thread::sleep(std::time::Duration::from_millis(25));
            }
        }
        assert_eq!(quota(), used.as_str());
    }
    let windows = running.get("/api/v1/quota").json()["quotas"].as_array().unwrap().len();
    assert_eq!(windows, 1, "nothing is made up of the other window");
    // Whatever Claude Code tells, there is a line.
    assert!(line(&json!({})).contains("5.00 today"));
    assert!(line(&json!("nothing")).contains("5.00 today"));
    let json = tell(&home, &[&["statusline", "--json"], &PATIENT[..]].concat(), &[], "{}");
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["left_usd"], "0", "{json}");
    assert_eq!(json["goal"], "letter");
}

#[test]
fn a_hundred_calls_at_once_do_not_disturb_the_supervisor() {
    let home = home_with(&[(1, "dear"), (2, "dear")]);
    let running = home.start_with(&[], &[("MECRIS_GATE__SESSION_USD", "5")]);
    let position = |running: &Running| running.get("/api/v1/status").json()["position"].clone();
    let before = position(&running);
    let told = |number: usize| match number % 2 {
        0 => (["gate", "--within", "60000"], hook("PreToolUse", "dear")),
        _ => (["statusline", "--within", "60000"], json!({"session_id": "dear"}).to_string()),
    };
    let calls: Vec<(usize, Child)> = (0..100)
        .map(|number| {
            let (arguments, told) = told(number);
            (number, spawn(&home, &arguments, &[], &told))
        })
        .collect();
    for (number, call) in calls {
        let said: Said = call.wait_with_output().unwrap().into();
        let expected =
            if number % 2 == 0 { "\"permissionDecision\":\"deny\"" } else { "STOP | 5.00 session" };
        assert!(said.code == 0 && said.out.contains(expected), "{number}: {said:?}");
    }
    assert_eq!(position(&running), before, "asking is no event");
    assert_eq!(running.send("GET", "/health/ready", &[], None).status, 200);
    for actor in running.get("/api/v1/actors").json().as_array().unwrap() {
        assert_eq!(actor["restarts"], 0, "{actor}");
    }
    assert_eq!(running.stop(), 0);
}

/// A supervisor was killed and left its files; somebody listens in its place and says that all is well. Or it runs, and
/// somebody has put a socket of their own over its. Whoever it is: nobody watches, and that is said.
#[test]
fn whoever_has_only_taken_the_socket_s_place_is_not_believed() {
    use std::os::unix::net::UnixListener;
    const ALL_IS_WELL: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let home = home_with(&[(1, "s1")]);
    let at = home.root().join("mecris.sock");
    let (asked, hears) = std::sync::mpsc::channel();
    let squat = || {
        let _ = std::fs::remove_file(&at);
        let listener = UnixListener::bind(&at).unwrap();
        let asked = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut told = [0; 4096];
                // Who only looks who is there says nothing.
                match stream.read(&mut told) {
                    Ok(read) if read > 0 => {
                        asked.send(String::from_utf8_lossy(&told[..read]).into_owned()).unwrap()
                    }
                    _ => continue,
                }
                let _ = stream.write_all(ALL_IS_WELL);
            }
        });
    };
    let nobody_watches = |what: &str| {
        let patient = [&["gate"], &PATIENT[..]].concat();
        let said = tell(&home, &patient, &[], &hook("PreToolUse", "s1"));
        let answer: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{what}: {error}: {said:?}"));
        let message = answer["systemMessage"].as_str().unwrap();
        assert!(
            message.contains("is no Mecris") && message.contains("spending is not watched"),
            "{what}: {message}"
        );
        let closed =
            tell(&home, &patient, &[("MECRIS_GATE__FAIL_CLOSED", "true")], &hook("PreToolUse", "s1"));
        let closed: Value = serde_json::from_str(&closed.out).unwrap();
        assert_eq!(closed["hookSpecificOutput"]["permissionDecision"], "deny", "{what}: {closed}");
        let line = tell(&home, &[&["statusline"], &PATIENT[..]].concat(), &[], "{}");
        assert_eq!(line.out, "Mecris does not answer\n", "{what}");
        assert!(hears.try_recv().is_err(), "{what}: it was asked");
    };
    let mut running = home.start(&[]);
    let left = std::fs::read(home.root().join("server.json")).unwrap();
    assert_eq!(ask(&home, "PreToolUse", "s1"), Value::Null, "the supervisor itself is believed");
    squat();
    nobody_watches("over a supervisor that runs");
    let status = home.run(&["status"]);
    assert!(
        status.code != 0 && status.err.contains("is not the supervisor that server.json names"),
        "{status:?}"
    );
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    nobody_watches("in the place of one that was killed");
    // Its id is somebody else's by now, who lives: the squatter's own, and another's.
    for pid in [std::process::id(), 1] {
        let mut reused: Value = serde_json::from_slice(&left).unwrap();
        reused["pid"] = json!(pid);
        std::fs::write(home.root().join("server.json"), reused.to_string()).unwrap();
        nobody_watches(&format!("with the id {pid}"));
    }
    // Somebody else holds the directory for a moment, such as `mecris verify`.
    let lock = std::fs::File::open(home.root().join("lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(home.root().join("server.json"), &left).unwrap();
    nobody_watches("while the directory is held");
    for spoiled in ["", "{}", "[1]", "{\"url\":\"\",\"pid\":-1}", "{\"url\":\"\",\"pid\":4294967295}"] {
        std::fs::write(home.root().join("server.json"), spoiled).unwrap();
        nobody_watches(spoiled);
    }
}
