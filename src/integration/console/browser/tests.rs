//! Browsers that speak the pipe wrongly: each is an error of its own, in time, and none is left.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use super::super::read::read;
use super::super::recipe::Recipe;
use super::*;

/// Against a hang only.
const HANG: Duration = Duration::from_mins(1);

/// A program that is started as a browser is, and does what a script says. It notes its process group beside itself.
struct Fake {
    dir: tempfile::TempDir,
}

impl Fake {
    fn new(script: &str) -> Self {
        let fake = Self { dir: tempfile::tempdir().unwrap() };
        let tools = "hear() { dd bs=65536 count=1 <&3 >/dev/null 2>&1; }\nsay() { printf '%s\\0' \"$1\" >&4; }\n\
            many() { head -c \"$1\" /dev/zero | tr '\\0' \"$2\"; }\n";
        std::fs::write(fake.program(), format!("#!/bin/sh\necho $$ > \"$0.group\"\n{tools}{script}\n"))
            .unwrap();
        std::fs::set_permissions(fake.program(), std::fs::Permissions::from_mode(0o700)).unwrap();
        fake
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("fake")
    }

    fn profile(&self) -> Profile {
        Profile::lock(self.dir.path(), "anthropic").unwrap()
    }

    /// That it ran, and nothing of its process group runs any more.
    fn assert_is_gone(&self) {
        let group = std::fs::read_to_string(self.dir.path().join("fake.group")).unwrap();
        let group = Pid::from_raw(group.trim().parse().unwrap()).unwrap();
        let began = Instant::now();
        while group::has_living(group) {
            assert!(began.elapsed() < HANG, "the group {group:?} is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn limits(page_seconds: u64) -> Limits {
    Limits { memory_mib: 2048, page_seconds, as_root: true }
}

/// What starting it comes to.
async fn started(script: &str, within: Duration) -> String {
    let fake = Fake::new(script);
    let profile = fake.profile();
    let program = fake.program();
    let start = Browser::start_within(within, &program, &profile, &[], Window::Headless, limits(60));
    let started = tokio::time::timeout(HANG, start).await.unwrap();
    let Err(ConsoleError::Browser { what, .. }) = started.map(drop) else { panic!("{script}: it started") };
    fake.assert_is_gone();
    what
}

#[tokio::test]
async fn a_browser_that_starts_wrongly_is_an_error_by_name_and_is_ended_with_its_processes() {
    let levels = "sent a message that is nested deeper than 128 levels";
    for (script, what) in [
        ("printf 'MARKED\\0' >&4; sleep 600", "sent what is no message of its protocol"),
        ("printf '\\377\\376\\0' >&4; sleep 600", "sent what is no message of its protocol"),
        ("printf '\\0' >&4; sleep 600", "sent what is no message of its protocol"),
        ("say '{\"params\":\"MARKED\"}'; sleep 600", "sent what is no message of its protocol"),
        ("tr '\\0' 'M' </dev/zero >&4", "sent a message of more than 16777216 bytes"),
        ("many 100000 '[' >&4; printf '\\0' >&4; sleep 600", levels),
        ("printf '{\"id\":1,\"MARKED\":' >&4; many 100000 '{' >&4; printf '\\0' >&4; sleep 600", levels),
        (
            "printf '{\"id\":1,\"MARKED' >&4; exec 4>&-; sleep 600",
            "closed its pipe in the middle of a message; Browser.getVersion was the last that it was asked for",
        ),
        ("exec 4>&-; sleep 600", "closed its pipe; Browser.getVersion was the last that it was asked for"),
        (
            "echo 'cannot open display' >&2; exit 1",
            "closed its pipe; Browser.getVersion was the last that it was asked for; it said last: cannot open display",
        ),
        (
            "hear; say '{\"id\":1,\"other\":\"MARKED\"}'; sleep 600",
            "answered Browser.getVersion in a form that is not known",
        ),
        (
            "hear; say '{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"MARKED\"}}'; sleep 600",
            "refused Browser.getVersion (code -32000)",
        ),
    ] {
        let said = started(script, HANG).await;
        assert_eq!(said, what, "{script}");
    }
}

#[tokio::test]
async fn a_browser_that_never_answers_is_given_up_in_time() {
    // One that reads nothing, one that reads and is silent, one that answers what nobody asked, and one that talks on.
    for script in [
        "sleep 600",
        "hear; sleep 600",
        "hear; say '{\"id\":7,\"result\":{}}'; sleep 600",
        "while :; do say '{\"method\":\"MARKED\"}'; done",
    ] {
        let said = started(script, Duration::from_secs(1)).await;
        assert_eq!(said, "did not answer Browser.getVersion within 1000 ms", "{script}");
    }
}

#[tokio::test]
async fn what_it_says_on_its_standard_error_is_bounded_in_the_log_and_in_errors() {
    let last = |said: &str| said.split_once("it said last: ").unwrap().1.to_owned();
    let said = started("printf '\\033[2Jgone ' >&2; many 7000 x >&2; echo >&2; exit 1", HANG).await;
    assert!(last(&said).starts_with("\u{241b}[2Jgone xxx") && last(&said).chars().count() == 300, "{said}");
    let said = started("echo '[1:FATAL:a.cc] why' >&2; echo 'report' >&2; exit 1", HANG).await;
    assert_eq!(last(&said), "[1:FATAL:a.cc] why");
    let fake = Fake::new("many 10000000 x >&2; exit 1");
    let profile = fake.profile();
    let program = fake.program();
    let start = Browser::start(&program, &profile, &[], Window::Headless, limits(60));
    assert!(start.await.is_err());
    let kept = std::fs::metadata(profile.log()).unwrap().len();
    assert!((1..=64 << 10).contains(&kept), "{kept}");
}

/// What reading with it comes to.
async fn read_with(script: &str, page_seconds: u64) -> ConsoleError {
    let fake = Fake::new(script);
    let profile = fake.profile();
    let recipe = Recipe::find("anthropic", None).unwrap();
    let program = fake.program();
    let reading = read(Some(&program), &profile, &recipe, limits(page_seconds));
    let error = tokio::time::timeout(HANG, reading).await.unwrap().unwrap_err();
    fake.assert_is_gone();
    error
}

#[tokio::test]
async fn a_browser_that_goes_wrong_while_it_reads_ends_the_reading_at_once() {
    let opened = "hear; say '{\"id\":1,\"result\":{}}'; hear; say '{\"id\":2,\"result\":{\"targetId\":\"T\"}}'; \
        hear; say '{\"id\":3,\"result\":{\"sessionId\":\"S\"}}'; hear; say '{\"id\":4,\"result\":{},\"sessionId\":\"S\"}'; hear;";
    // A page's own time is ten minutes: none of these waits for it.
    for (then, what) in [
        ("say 'MARKED'; sleep 600", "sent what is no message of its protocol"),
        (
            "many 100000 '[' >&4; printf '\\0' >&4; sleep 600",
            "sent a message that is nested deeper than 128 levels",
        ),
        ("tr '\\0' 'M' </dev/zero >&4", "sent a message of more than 16777216 bytes"),
        ("exec 4>&-; sleep 600", "closed its pipe; "),
        ("echo 'MARKED by a page' >&2; exit 1", "closed its pipe; "),
    ] {
        let error = read_with(&format!("{opened} {then}"), 600).await;
        let ConsoleError::Browser { what: said, .. } = &error else { panic!("{then}: {error}") };
        assert!(said.starts_with(what) && !error.to_string().contains("MARKED"), "{then}: {error}");
    }
    // And one that answers nothing any more has the page's time, and the moment after it.
    let error = read_with(&format!("{opened} sleep 600"), 1).await;
    assert_eq!(error, ConsoleError::Slow { seconds: 1 });
}

#[test]
fn root_starts_a_browser_only_where_it_is_told_to() {
    let allowed = |is_root, as_root| may_start(is_root, Limits { as_root, ..limits(1) });
    assert_eq!(allowed(true, false), Err(ConsoleError::AsRoot));
    assert!(ConsoleError::AsRoot.to_string().contains("console.as_root = true"));
    for (is_root, as_root) in [(true, true), (false, false), (false, true)] {
        assert_eq!(allowed(is_root, as_root), Ok(()));
    }
}
