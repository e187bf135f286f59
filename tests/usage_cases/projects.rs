//! Which project a call belongs to: the directory where its session began, a worktree's repository, by one spelling.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, ONE, THREE, TWO, ask, assert_report, call, file, home_with, import, used_of_november};
use crate::support::program::Home;

/// A line that is no call, of a session that is there.
fn other(kind: &str, cwd: Value) -> String {
    let line = json!({
        "type": kind, "uuid": format!("u-{kind}"), "sessionId": "s", "cwd": cwd, "timestamp": "2026-11-10T09:59:00Z",
        "message": {"role": "user", "content": "hello"},
    });
    format!("{line}\n")
}

/// A call of a session of its own that begins in this directory.
fn begun_in(number: usize, cwd: &str) -> Call {
    call(&format!("msg_{number}")).session(&format!("s-{number}")).cwd(cwd)
}

/// Holds a call in each directory, each in a file of its own, against the projects.
#[track_caller]
fn are(directories: &[&str], right: &[(&str, &str)]) {
    let home = Home::new();
    for (number, cwd) in directories.iter().enumerate() {
        home.transcript(&format!("s-{number}.jsonl"), begun_in(number, cwd).line());
    }
    import(&home);
    assert_report(&home, "project", right);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_session_s_project_is_where_it_began_and_not_where_it_went() {
    for first in [other("user", json!("/w/begun")), call("msg_0").cwd("/w/begun").tokens(0, 0).line()] {
        let home = Home::new();
        let went = [call("msg_1").cwd("/w/begun/sub"), call("msg_2").cwd("/elsewhere").sidechain()];
        home.transcript("a.jsonl", first + &file(&went));
        import(&home);
        let projects = super::groups(&home, "project");
        assert_eq!(projects.keys().collect::<Vec<_>>(), ["/w/begun"], "{projects:?}");
        assert!(projects["/w/begun"].ends_with(", 2000 in, 2000 out, 0.036 USD"), "{projects:?}");
    }
}

#[test]
fn lines_that_name_no_directory_begin_nothing() {
    let home = Home::new();
    let front = other("summary", Value::Null) + "{\"type\":\"file-history-snapshot\",\"messageId\":\"m\"}\n";
    home.transcript(
        "a.jsonl",
        front + &file(&[call("msg_1").cwd("/w/begun"), call("msg_2").cwd("/w/later")]),
    );
    import(&home);
    assert_report(&home, "project", &[("/w/begun", TWO)]);
}

#[test]
fn where_a_session_began_is_still_known_when_its_file_grows() {
    let home = Home::new();
    let path =
        home.transcript("a.jsonl", other("user", json!("/w/begun")) + &call("msg_1").cwd("/w/begun").line());
    import(&home);
    for (id, cwd) in [("msg_2", "/w/begun/sub"), ("msg_3", "/elsewhere")] {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(call(id).cwd(cwd).line().as_bytes()).unwrap();
        drop(file);
        import(&home);
    }
    assert_report(&home, "project", &[("/w/begun", THREE)]);
}

#[test]
fn a_worktree_of_claude_code_s_is_its_repository_in_both_spellings() {
    are(&["/w/a", "/w/a/.claude/worktrees/elastic-x1", "/w/a/.claude/worktrees/other"], &[("/w/a", THREE)]);
    are(&[r"C:\w\a\.claude\worktrees\x", r"c:\w\a", "C:/w/a"], &[("C:/w/a", THREE)]);
    are(&["/w/.claude/notes", "/w/a/worktrees/x"], &[("/w/.claude/notes", ONE), ("/w/a/worktrees/x", ONE)]);
}

#[test]
fn a_directory_below_another_is_a_project_of_its_own() {
    are(&["/w/a", "/w/a/sub", "/w/ab"], &[("/w/a", ONE), ("/w/a/sub", ONE), ("/w/ab", ONE)]);
}

#[test]
fn drives_are_shown_in_one_spelling() {
    are(&[r"c:\w\a", r"C:\w\a", "c:/w/a", r"C:\w/a"], &[("C:/w/a", "4 calls, 4000 in, 4000 out, 0.072 USD")]);
    are(&[r"D:\w\a", "C:/w/a", "/c/w/a"], &[("D:/w/a", ONE), ("C:/w/a", ONE), ("/c/w/a", ONE)]);
    // The rest of a path is left as it is written.
    are(&[r"c:\Users\Ada\Looms", "/home/Ada"], &[("C:/Users/Ada/Looms", ONE), ("/home/Ada", ONE)]);
}

#[test]
fn below_a_repository_s_root_all_is_one_project() {
    let home = Home::new();
    let root = home.dir.path().join("looms");
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(root.join("docs/pages")).unwrap();
    let directories = [root.clone(), root.join("docs/pages"), root.join("gone")];
    for (number, directory) in directories.iter().enumerate() {
        home.transcript(&format!("s-{number}.jsonl"), begun_in(number, text(directory)).line());
    }
    import(&home);
    assert_report(&home, "project", &[(text(&root), THREE)]);
}

#[test]
fn a_git_worktree_anywhere_is_its_repository() {
    let home = Home::new();
    let (root, tree) = (home.dir.path().join("looms"), home.dir.path().join("elsewhere/looms-fix"));
    fs::create_dir_all(root.join(".git/worktrees/looms-fix")).unwrap();
    fs::create_dir_all(tree.join("docs")).unwrap();
    let gitdir = root.join(".git/worktrees/looms-fix");
    fs::write(tree.join(".git"), format!("gitdir: {}\n", gitdir.display())).unwrap();
    for (number, directory) in [root.clone(), tree.clone(), tree.join("docs")].iter().enumerate() {
        home.transcript(&format!("s-{number}.jsonl"), begun_in(number, text(directory)).line());
    }
    import(&home);
    assert_report(&home, "project", &[(text(&root), THREE)]);
}

#[test]
fn a_repository_within_another_is_a_project_of_its_own() {
    let home = Home::new();
    let outer = home.dir.path().join("outer");
    let inner = outer.join("vendor/inner");
    fs::create_dir_all(outer.join(".git")).unwrap();
    fs::create_dir_all(inner.join(".git")).unwrap();
    for (number, directory) in [outer.clone(), inner.clone(), outer.join("vendor")].iter().enumerate() {
        home.transcript(&format!("s-{number}.jsonl"), begun_in(number, text(directory)).line());
    }
    import(&home);
    assert_report(&home, "project", &[(text(&outer), TWO), (text(&inner), ONE)]);
}

#[test]
fn what_is_named_git_and_is_none_folds_nothing() {
    let home = Home::new();
    let odd = home.dir.path().join("odd");
    fs::create_dir_all(&odd).unwrap();
    fs::write(odd.join(".git"), "no word of a gitdir\n").unwrap();
    home.transcript("a.jsonl", begun_in(0, text(&odd)).line());
    import(&home);
    assert_report(&home, "project", &[(text(&odd), ONE)]);
}

#[test]
fn a_project_s_budget_covers_what_is_below_it_in_either_spelling() {
    let home = home_with(&[call("msg_1").cwd(r"C:\w\alpha\sub")]);
    for project in [r"C:\w\alpha", r"c:\w\alpha\", "C:/w/alpha", "c:/w/alpha/sub", r"C:\"] {
        assert_eq!(used_of_november(&home, &["--project", project]), "0.018", "{project}");
    }
    for project in [r"C:\w\alp", r"D:\w\alpha", r"C:\w\alpha\sub\deeper", "/w/alpha"] {
        assert_eq!(used_of_november(&home, &["--project", project]), "0", "{project}");
    }
    let home = home_with(&[call("msg_1").cwd("/w/alpha/sub")]);
    for (project, used) in [("/w/alpha", "0.018"), ("/w/alpha/", "0.018"), ("/", "0.018"), ("/w/alp", "0")] {
        assert_eq!(used_of_november(&home, &["--project", project]), used, "{project}");
    }
    let home = home_with(&[call("msg_1").cwd("/w/alpha/.claude/worktrees/x")]);
    assert_eq!(used_of_november(&home, &["--project", "/w/alpha"]), "0.018");
}

#[test]
fn gate_and_question_know_a_windows_project_in_either_spelling() {
    let home = home_with(&[call("msg_1").cwd(r"C:\w\alpha").at(Timestamp::now().to_string())]);
    let daily = ["budget", "set", "--amount", "0.01", "--period", "daily", "--project", r"C:\w\alpha"];
    home.json(&daily);
    for inside in [r"C:\w\alpha", r"c:\w\alpha\sub", "C:/w/alpha/sub"] {
        let (code, shown) = ask(&home, &["gate", "check", "--project", inside]);
        assert_eq!((code, &shown["verdict"]), (1, &json!("block")), "{inside}: {shown}");
        assert_eq!(ask(&home, &["can-afford", "1", "--project", inside]).0, 1, "{inside}");
    }
    for outside in [r"C:\w\alphabet", r"D:\w\alpha", "/w/alpha"] {
        let (code, shown) = ask(&home, &["gate", "check", "--project", outside]);
        assert_eq!((code, &shown["verdict"]), (0, &json!("allow")), "{outside}: {shown}");
        assert_eq!(ask(&home, &["can-afford", "1", "--project", outside]).0, 0, "{outside}");
    }
}
