//! What Claude Code tells may be broken: the session, the directory and the event are found all the same. And what a hook is
//! answered: once for each step, the limit that is reached alone, no recipe for the agent.

use super::*;

const CLOSED: [(&str, &str); 1] = [("MECRIS_GATE__FAIL_CLOSED", "true")];

/// A hook's JSON around something odd, which stands before what the gate needs and behind it.
fn around(odd: &str, event: &str, session: &str) -> Vec<u8> {
    let text = format!(
        r#"{{{odd},"session_id":"{session}","cwd":"/home/ada","hook_event_name":"{event}","tool_name":"Bash",{odd}}}"#
    );
    text.into_bytes()
}

/// The answer to these bytes.
fn told(home: &Home, variables: &[(&str, &str)], told: &[u8]) -> (i32, Value) {
    let mut child = home
        .command(&["gate", PATIENT[0], PATIENT[1]])
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(told).unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    let answer = if said.out.is_empty() { Value::Null } else { serde_json::from_str(&said.out).unwrap() };
    (said.code, answer)
}

fn is_denied(answer: &Value) -> bool {
    answer["hookSpecificOutput"]["permissionDecision"] == "deny"
}

fn message(answer: &Value) -> &str {
    answer["systemMessage"].as_str().unwrap_or_default()
}

/// What may stand beside the fields, as bytes of JSON that is none.
fn odd_parts() -> Vec<String> {
    let huge = format!(r#""tool_input":{{"content":"{}"}}"#, "x".repeat(3_000_000));
    let deep = format!(r#""tool_input":{}{}"#, "{\"a\":[".repeat(20_000), "]}".repeat(20_000));
    [
        "\"prompt\":\"a\nb\"",
        "\"tool_input\":{\"command\":\"a\tb\"}",
        "\"prompt\":\"\u{1}\u{0}\u{1b}[2J\"",
        r#""prompt":"\ud83d""#,
        r#""tool_input":{"command":"\udc00 \u12"}"#,
        r#""a":1,"#,
        r#""tool_input":{"list":[1,2,],}"#,
        r#""n":NaN,"m":-Infinity"#,
        r#""permission_mode":"x","permission_mode":"y""#,
        r#""tool_input":{"session_id":"cheap","cwd":"/x","hook_event_name":"Stop"}"#,
        r#""prompt":"\"session_id\":\"cheap\",\"hook_event_name\":\"Stop\"""#,
        &huge,
        &deep,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn a_session_over_its_cap_is_stopped_whatever_stands_beside_its_name_and_no_other_is() {
    let home = home_with(&[(1, "dear"), (2, "dear"), (3, "cheap")]);
    let running = home.start_with(&[], &[("MECRIS_GATE__SESSION_USD", "5")]);
    for odd in odd_parts() {
        let shown = &odd[..odd.len().min(60)];
        for variables in [&[][..], &CLOSED] {
            let (code, answer) = told(&home, variables, &around(&odd, "PreToolUse", "dear"));
            assert!(code == 0 && is_denied(&answer), "{shown}: {answer}");
            let reason = answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap();
            assert!(reason.contains("this session: 5.00 of 5.00 USD spent"), "{shown}: {reason}");
            let (code, answer) = told(&home, variables, &around(&odd, "UserPromptSubmit", "cheap"));
            assert!(code == 0 && answer.get("decision").is_none(), "{shown}: {answer}");
        }
    }
    // Before it and behind it: a mark, an end that is missing, a broken byte.
    let whole = around("\"a\":1", "PreToolUse", "dear");
    let marked = ["\u{feff}".as_bytes(), &whole].concat();
    let mut cut = around("\"a\":1", "PreToolUse", "dear");
    cut.truncate(cut.len() - 7);
    let mut bytes = around("\"a\":\"?\"", "PreToolUse", "dear");
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xff;
    for told_bytes in [marked, cut, bytes] {
        for variables in [&[][..], &CLOSED] {
            let (code, answer) = told(&home, variables, &told_bytes);
            assert!(code == 0 && is_denied(&answer), "{}: {answer}", String::from_utf8_lossy(&told_bytes));
        }
    }
    // The event's name was cut off: the tool says which it is.
    let unnamed = br#"{"session_id":"dear","cwd":"/home/ada","tool_name":"Bash","tool_input":{"command":"ec"#;
    assert!(is_denied(&told(&home, &[], unnamed).1));
    let prompt = br#"{"session_id":"dear","cwd":"/home/ada","prompt":"a
    b","#;
    assert_eq!(told(&home, &[], prompt).1["decision"], "block");
    // A hook of type `http` is read in the same way.
    let bearer = format!("Bearer {}", running.token);
    let post = |body: &[u8]| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        running.send("POST", "/api/v1/gate", &[("authorization", &bearer)], Some(&body))
    };
    let answer = post(&around("\"prompt\":\"a\nb\"", "PreToolUse", "dear"));
    assert!(answer.status == 200 && is_denied(&answer.json()), "{}", answer.status);
    for nothing in ["{", "[1", "no JSON", "{\"a\nb"] {
        assert_eq!(post(nothing.as_bytes()).status, 400, "{nothing}");
    }
    assert_eq!(post(br#"{"session_id": 5}"#).status, 400, "JSON is held against the description");
    assert_eq!(running.stop(), 0);
}

#[test]
fn what_could_not_be_read_is_said_once() {
    let home = home_with(&[(1, "s1")]);
    let running = home.start_with(&[], &[("MECRIS_GATE__SESSION_USD", "50")]);
    let broken = |session: &str| told(&home, &[], &around("\"a\":\"b\nc\"", "PreToolUse", session)).1;
    let first = broken("s1");
    assert!(
        message(&first).contains("no strict JSON") && message(&first).contains("all the same"),
        "{first}"
    );
    assert!(first.get("hookSpecificOutput").is_none(), "work goes on: {first}");
    assert_eq!(broken("s1"), Value::Null, "once");
    assert_eq!(told(&home, &[], &around("\"a\":1", "PreToolUse", "s1")).1, Value::Null);
    assert_eq!(broken("s1"), Value::Null, "and not again");
    assert!(message(&broken("s2")).contains("no strict JSON"), "each session is told");
    // A cap of a session that nobody can name is not known to be kept.
    for session in ["5", "null", "{}", "[\"s1\"]"] {
        let call = format!(r#"{{"session_id":{session},"cwd":"/home/ada","hook_event_name":"PreToolUse"}}"#);
        let said = told(&home, &[], call.as_bytes()).1;
        assert!(message(&said).contains("the session is not known"), "{session}: {said}");
    }
    assert_eq!(running.stop(), 0);
    let strict = [("MECRIS_GATE__SESSION_USD", "50"), ("MECRIS_GATE__UNKNOWN", "block")];
    let running = home.start_with(&[], &strict);
    let call = br#"{"session_id":null,"cwd":"/home/ada","hook_event_name":"PreToolUse"}"#;
    assert!(is_denied(&told(&home, &[], call).1));
    assert_eq!(running.stop(), 0);
}

#[test]
fn what_claude_reads_when_nothing_can_be_read_names_no_setting() {
    let home = Home::new();
    for nothing in ["", "not JSON", "[1]", "{", "\"session_id\""] {
        let said = tell(&home, &["gate"], &CLOSED, nothing);
        assert!(said.code == 2 && said.err.contains("no hook's JSON"), "{said:?}");
        assert!(!said.err.contains("fail_closed") && !said.err.contains("mecris "), "no recipe: {said:?}");
    }
}

#[test]
fn the_status_line_reads_what_is_broken_too() {
    let home = home_with(&[(1, "s1")]);
    let running = home.start_with(&[], &[("MECRIS_GATE__SESSION_USD", "2")]);
    for odd in odd_parts().iter().filter(|odd| odd.len() < 500_000) {
        let call = format!(r#"{{{odd},"session_id":"s1","workspace":{{"project_dir":"/home/ada"}},{odd}}}"#);
        let said = tell(&home, &["statusline", PATIENT[0], PATIENT[1]], &[], &call);
        assert!(said.code == 0 && said.out.starts_with("STOP | 2.50 session"), "{odd:.60}: {said:?}");
    }
    let cut = r#"{"session_id":"s1","model":{"id":"claude-opus-5"},"workspace":{"project_d"#;
    assert!(
        tell(&home, &["statusline", PATIENT[0], PATIENT[1]], &[], cut).out.starts_with("STOP | 2.50 session")
    );
    assert_eq!(running.stop(), 0);
}

/// A session began in one project and went to another: transcripts, the gate and the status line say the first.
#[test]
fn the_project_is_where_the_session_began_for_all_three() {
    let home = home_with(&[(1, "s1")]);
    let repository = home.dir.path().join("alpha");
    std::fs::create_dir_all(repository.join(".git")).unwrap();
    std::fs::create_dir_all(repository.join("sub")).unwrap();
    let (root, sub) = (repository.to_str().unwrap(), repository.join("sub"));
    let running = home.start(&[]);
    put_budget(&running, "ada", &json!({"amount_usd": "2", "project": "/home/ada"}));
    put_budget(&running, "alpha", &json!({"amount_usd": "0.01", "project": root}));
    let gate = |call: &Value, variables: &[(&str, &str)]| {
        is_denied(&told(&home, variables, call.to_string().as_bytes()).1)
    };
    let line = |call: &Value| {
        let said = tell(&home, &["statusline", PATIENT[0], PATIENT[1]], &[], &call.to_string());
        said.out.starts_with("STOP | ")
    };
    let call = |session: &str, cwd: &str, begun: Option<&str>| {
        let mut call =
            json!({"session_id": session, "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": cwd});
        if let Some(begun) = begun {
            call["workspace"] = json!({"current_dir": cwd, "project_dir": begun});
        }
        call
    };
    // A session that the log knows is where its calls say that it began, wherever it is now.
    for cwd in ["/home/ada", "/elsewhere", "/"] {
        for begun in [None, Some("/elsewhere")] {
            let call = call("s1", cwd, begun);
            assert!(gate(&call, &[]) && line(&call), "{call}");
        }
    }
    // One that it does not know is where Claude Code says that it began.
    for (cwd, begun, is_stopped) in [
        ("/elsewhere", Some("/home/ada"), true),
        ("/home/ada", Some("/elsewhere"), false),
        ("/home/ada", None, true),
        ("/elsewhere", None, false),
    ] {
        let call = call("new", cwd, begun);
        assert_eq!((gate(&call, &[]), line(&call)), (is_stopped, is_stopped), "{call}");
    }
    assert!(gate(&call("new", "/elsewhere", None), &[("CLAUDE_PROJECT_DIR", "/home/ada")]));
    assert!(!gate(&call("new", "/home/ada", None), &[("CLAUDE_PROJECT_DIR", "/elsewhere")]));
    // A repository is one project, as in transcripts: 2.50 USD of a call in it are over the budget.
    let mut spent: Value = serde_json::from_str(&super::call(9, "s9")).unwrap();
    spent["cwd"] = json!(root);
    home.transcript("b.jsonl", format!("{spent}\n"));
    home.json(&["import"]);
    for cwd in [root, sub.to_str().unwrap()] {
        let call = call("new", "/elsewhere", Some(cwd));
        assert!(gate(&call, &[]) && line(&call), "{call}");
    }
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_warning_comes_once_for_each_session_and_step_and_says_what_an_override_adds() {
    let home = home_with(&[(1, "s1"), (2, "s2")]);
    let settings = [("MECRIS_GATE__SESSION_USD", "3"), ("MECRIS_GATE__WARN_PERCENT", "50")];
    let running = home.start_with(&[], &settings);
    let warned = ask(&home, "PreToolUse", "s1");
    assert!(message(&warned).contains("this session: 2.50 of 3.00 USD spent"), "{warned}");
    for _ in 0..3 {
        assert_eq!(ask(&home, "PreToolUse", "s1"), Value::Null, "the person knows");
    }
    // Claude has not been told yet, and the person has.
    let told_claude = ask(&home, "UserPromptSubmit", "s1");
    assert!(
        told_claude["hookSpecificOutput"]["additionalContext"].as_str().unwrap().contains("2.50 of 3.00"),
        "{told_claude}"
    );
    assert_eq!(told_claude["systemMessage"], Value::Null);
    assert_eq!(ask(&home, "UserPromptSubmit", "s1"), Value::Null);
    assert!(
        message(&ask(&home, "PreToolUse", "s2")).contains("2.50 of 3.00"),
        "another session is another's matter"
    );
    // The limit is reached: each time, and only that limit.
    put_budget(&running, "near", &json!({"amount_usd": "8"}));
    home.transcript("c.jsonl", super::call(3, "s1"));
    home.json(&["import"]);
    for event in ["PreToolUse", "PreToolUse", "UserPromptSubmit"] {
        let stopped = ask(&home, event, "s1").to_string();
        assert!(stopped.contains("this session: 5.00 of 3.00 USD spent"), "{stopped}");
        assert!(!stopped.contains("near"), "only the limit that is reached: {stopped}");
    }
    // An override is explained.
    let allowed = home.run(&["override", "--usd", "2", "--reason", "the report is due", "--hours", "1"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let stopped = ask(&home, "PreToolUse", "s1");
    let reason = stopped["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap();
    assert!(reason.contains("this session: 5.00 of 3.00 + 2.00 override USD spent"), "{reason}");
    for recipe in ["mecris override", "mecris budget", "[gate]", "mecris reload", "mecris limit", "MECRIS_"] {
        assert!(!reason.contains(recipe), "the agent is given no recipe: {reason}");
    }
    assert!(message(&stopped).contains("mecris override"), "the person sees it: {stopped}");
    let check: Value =
        serde_json::from_str(&home.run(&["gate", "check", "--json", "--session", "s1"]).out).unwrap();
    assert_eq!(
        (&check["reasons"][0]["cap_usd"], &check["reasons"][0]["override_usd"]),
        (&json!("5"), &json!("2")),
        "{check}"
    );
    assert_eq!(running.stop(), 0);
}
