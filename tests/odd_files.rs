//! Where a file is expected, anything may stand: what is none is never read, never waited for, and named once; what is
//! rotated, cut off, swapped, hidden or too long is read as far as it can be, and nothing is counted twice or lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::{Home, Running, Said};

/// What a test waits for at most, so that one that hangs fails.
const BOUND: Duration = Duration::from_secs(60);

/// A line of a transcript that tells of one call.
pub fn call(number: u32) -> String {
    json!({
        "type": "assistant", "timestamp": "2026-11-20T10:00:00.000Z", "sessionId": "3f1c", "cwd": "/home/ada/api",
        "requestId": format!("req_{number}"), "uuid": format!("00000000-0000-4000-8000-{number:012}"),
        "message": {
            "id": format!("msg_{number}"), "role": "assistant", "model": "claude-sonnet-4-5",
            "usage": { "input_tokens": 100, "output_tokens": 10 },
        },
    })
    .to_string()
        + "\n"
}

pub fn calls(numbers: std::ops::Range<u32>) -> String {
    numbers.map(call).collect()
}

/// Runs a command that must end by itself.
fn run_within(home: &Home, arguments: &[&str]) -> Said {
    let mut command = home.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > BOUND {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{arguments:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap().into()
}

/// FIFO, socket, devices and directory, under these names in a directory.
fn oddities(dir: &Path, extension: &str) -> Vec<(String, &'static str)> {
    fs::create_dir_all(dir).unwrap();
    let name = |stem: &str| format!("{stem}.{extension}");
    let fifo = Command::new("mkfifo").arg(dir.join(name("fifo"))).status().unwrap();
    assert!(fifo.success());
    let socket = std::os::unix::net::UnixListener::bind(dir.join(name("socket"))).unwrap();
    drop(socket);
    symlink("/dev/zero", dir.join(name("zero"))).unwrap();
    let mut made = vec![(name("fifo"), "a FIFO"), (name("socket"), "a socket"), (name("zero"), "a device")];
    // A node of its own, where the machine lets us make one.
    let node = dir.join(name("node"));
    let is_made = Command::new("mknod").arg(&node).args(["c", "1", "5"]).stderr(Stdio::null()).status();
    // A device that another one was read by already is told as a link to it would be.
    if is_made.is_ok_and(|status| status.success()) {
        made.push((name("node"), "a device"));
    }
    made
}

fn obstacles(summary: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = summary["obstacles"].as_array().unwrap();
    listed.iter().map(|one| (text(&one["at"]), text(&one["reason"]))).collect()
}

#[test]
fn what_is_no_file_is_named_once_and_never_waited_for() {
    let home = Home::new();
    home.transcript("real.jsonl", calls(0..3));
    let made = oddities(&home.claude().join("projects/-home-ada"), "jsonl");
    let named = |found: Vec<(String, String)>, made: &[(String, &str)]| {
        for (name, what) in made {
            let told: Vec<_> = found.iter().filter(|(at, _)| at.ends_with(&format!("/{name}"))).collect();
            assert_eq!(told.len(), 1, "{name}: {found:?}");
            assert!(told[0].1.contains(what), "{name}: {found:?}");
        }
    };
    let said = run_within(&home, &["import", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let summary: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(summary["recorded"], 3);
    named(obstacles(&summary), &made);
    // The supervisor as well, and it goes on reading what grows beside them.
    let running = home.start(&["--log-level", "warn"]);
    home.transcript("more.jsonl", calls(3..7));
    counts(&running, 7);
    assert_eq!(running.get("/health/ready").json()["ready"], true);
    assert_eq!(running.stop(), 0);
}

/// Waits until this many calls are counted, and no more.
pub fn counts(running: &Running, expected: u64) {
    let begun = Instant::now();
    loop {
        let shown = running.get("/api/v1/spend").json();
        let counted = shown["total"]["messages"].as_u64().unwrap();
        assert!(counted <= expected, "{expected} are expected: {shown}");
        if counted == expected {
            return;
        }
        assert!(begun.elapsed() < BOUND, "{expected} are expected: {shown}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn transcripts_that_are_rotated_cut_off_swapped_or_hidden_lose_nothing_and_count_nothing_twice() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", calls(0..20));
    let running = home.start(&["--log-level", "warn"]);
    counts(&running, 20);
    // Rotated: the old one goes away under another name, and a new one begins.
    fs::rename(&path, path.with_file_name("a-old.jsonl")).unwrap();
    home.transcript("a.jsonl", calls(20..25));
    counts(&running, 25);
    // Cut off, and written anew with less.
    home.transcript("a.jsonl", calls(25..27));
    counts(&running, 27);
    // Swapped for a longer one: the same name, another file.
    let other = path.with_file_name("other.tmp");
    fs::write(&other, calls(30..90)).unwrap();
    fs::rename(&other, &path).unwrap();
    counts(&running, 87);
    // And for a shorter one.
    fs::write(&other, calls(90..95)).unwrap();
    fs::rename(&other, &path).unwrap();
    counts(&running, 92);
    // Hidden: a link in a circle, a directory and a FIFO stand where it was; what comes beside it is read.
    let hidden = path.with_file_name("a.tmp");
    fs::rename(&path, &hidden).unwrap();
    symlink("a.jsonl", &path).unwrap();
    home.transcript("b.jsonl", calls(100..101));
    counts(&running, 93);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    home.transcript("c.jsonl", calls(101..102));
    counts(&running, 94);
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    home.transcript("d.jsonl", calls(102..103));
    counts(&running, 95);
    // And it is there again, longer than it was.
    fs::remove_file(&path).unwrap();
    fs::write(&hidden, calls(90..110)).unwrap();
    fs::rename(&hidden, &path).unwrap();
    // Of the twenty, 90 to 94 and 100 to 102 are known.
    counts(&running, 95 + 12);
    assert_eq!(running.stop(), 0);
    // Everything read again from the beginning adds nothing.
    fs::remove_file(home.data().join("transcripts.json")).unwrap();
    assert_eq!(home.json(&["import"])["recorded"], 0);
}

#[test]
fn settings_tables_secrets_recipes_and_cursors_that_are_no_files_are_refused_or_made_anew() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(0..3));
    let odd = home.dir.path().join("odd");
    let made = oddities(&odd, "toml");
    let settings = home.dir.path().join("settings.toml");
    for (name, what) in &made {
        let at = odd.join(name).display().to_string();
        for (setting, arguments) in [
            (String::new(), vec!["--config", at.as_str(), "status"]),
            (format!("prices = \"{at}\"\n"), vec!["prices"]),
            (format!("[deepseek]\napi_key_file = \"{at}\"\n"), vec!["status"]),
            (String::new(), vec!["console", "check", at.as_str()]),
            (String::new(), vec!["login", "--cookies", at.as_str()]),
        ] {
            fs::write(&settings, &setting).unwrap();
            let mut arguments = arguments;
            if arguments[0] != "--config" {
                arguments.splice(0..0, ["--config", settings.to_str().unwrap()]);
            }
            let said = run_within(&home, &arguments);
            assert_ne!(said.code, 0, "{arguments:?}, {setting}: {said:?}");
            assert!(said.err.contains(what), "{arguments:?}, {setting}: {said:?}");
        }
    }
    // What the program keeps for itself is made anew.
    assert_eq!(home.json(&["import"])["recorded"], 3);
    for (name, stand_in) in
        [("transcripts.json", "fifo.toml"), ("views.snapshot", "zero.toml"), ("closed", "fifo.toml")]
    {
        let path = home.data().join(name);
        let _ = fs::remove_file(&path);
        symlink(odd.join(stand_in), &path).unwrap();
        let said = run_within(&home, &["import", "--json"]);
        assert_eq!(said.code, 0, "{name}: {said:?}");
        let summary: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(summary["recorded"], 0, "{name}");
    }
}

#[test]
fn notes_and_a_vault_s_settings_that_are_no_files_hold_nobody_up() {
    let home = Home::new();
    let vault = home.dir.path().join("Notes");
    fs::create_dir_all(vault.join(".obsidian")).unwrap();
    fs::write(vault.join("real.md"), "- [ ] water the plants\n").unwrap();
    oddities(&vault, "md");
    for name in ["app.json", "daily-notes.json"] {
        symlink("../fifo.md", vault.join(".obsidian").join(name)).unwrap();
    }
    let settings = home.dir.path().join("settings.toml");
    fs::write(&settings, format!("[vault]\npath = \"{}\"\n", vault.display())).unwrap();
    let config = ["--config", settings.to_str().unwrap()];
    let said = run_within(&home, &[&config[..], &["tasks", "--json"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("water the plants"), "{said:?}");
    let problems = mecris::integration::obsidian::read(&vault, None).unwrap().problems;
    for (name, what) in [("fifo.md", "a FIFO"), ("socket.md", "a socket"), ("zero.md", "out of the vault")] {
        let told: Vec<_> = problems.iter().filter(|problem| problem.path == name).collect();
        assert_eq!(told.len(), 1, "{name}: {problems:?}");
        assert!(told[0].reason.contains(what), "{name}: {problems:?}");
    }
    // Where today's note is a FIFO, the line is refused and not waited for.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    fs::remove_file(vault.join(".obsidian/daily-notes.json")).unwrap();
    symlink("fifo.md", vault.join(format!("{today}.md"))).unwrap();
    let said = run_within(&home, &[&config[..], &["log-session", "done"]].concat());
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains("no regular file"), "{said:?}");
}

#[test]
fn a_line_without_an_end_is_refused_and_the_rest_of_the_file_is_read() {
    let home = Home::new();
    // 1 GiB of zeros without a line end, which take no room on the disk, between calls.
    let path = home.transcript("sparse.jsonl", calls(0..5));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let (begin, hole) = (file.metadata().unwrap().len(), 1 << 30);
    std::os::unix::fs::FileExt::write_all_at(
        &file,
        (String::from("\n") + &calls(5..9)).as_bytes(),
        begin + hole,
    )
    .unwrap();
    // And 100 MB of one string in JSON that is whole.
    let mut long = String::from("{\"type\":\"user\",\"text\":\"");
    long.extend(std::iter::repeat_n('a', 100_000_000));
    home.transcript("long.jsonl", long + "\"}\n" + &calls(9..11));
    let mut command = home.command(&["import", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut most_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib =
            peak.and_then(|text| text.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
        most_kib = most_kib.max(kib.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    let said: Said = child.wait_with_output().unwrap().into();
    let summary: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    println!("peak of resident memory: {} MiB", most_kib >> 10);
    assert_eq!((&summary["recorded"], &summary["bad_lines"]), (&json!(11), &json!(2)), "{summary}");
    assert!(obstacles(&summary).iter().all(|(_, reason)| reason.contains("8 MiB")), "{summary}");
    assert!(most_kib < 200 << 10, "{most_kib} KiB");
}

/// The most that a process ever had in memory.
fn peak_mib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn a_line_that_grows_to_a_hundred_megabytes_while_it_is_followed_is_one_refused_line() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", calls(0..3));
    let (running, told) = home.start_command(
        home.command(&["run", "--listen", "127.0.0.1:0", "--log-level", "warn"]),
        &home.data(),
    );
    counts(&running, 3);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut write = |bytes: &[u8]| std::io::Write::write_all(&mut file, bytes).unwrap();
    write(b"{\"type\":\"user\",\"text\":\"");
    // Between two looks it ends with what would be a line by itself.
    let part = "a".repeat(999_000) + &call(900).replace('\n', "") + "\\n" + &call(901).replace('\n', "");
    for _ in 0..100 {
        write(part.as_bytes());
        std::thread::sleep(Duration::from_millis(40));
    }
    write(b"\"}\n");
    write(calls(3..6).as_bytes());
    counts(&running, 6);
    let shown = running.get("/api/v1/spend").json();
    assert_eq!(shown["refused_lines"], 1, "{shown}");
    let peak = peak_mib(running.child.id());
    println!("peak of resident memory: {peak} MiB");
    assert!(peak < 260, "{peak} MiB");
    assert_eq!(running.stop(), 0);
    assert!(!told.join().unwrap().contains("panicked"));
}

/// Root may read everything, so the supervisor is an ordinary user where this runs as root.
#[test]
fn a_transcript_that_cannot_be_read_for_a_while_is_read_when_it_can_be_and_a_line_says_both() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let home = Home::new();
    let path = home.transcript("a.jsonl", calls(0..5));
    let mut command = home.command(&["run", "--listen", "127.0.0.1:0", "--log-level", "warn"]);
    if rustix::process::geteuid().is_root() {
        const NOBODY: u32 = 65_534;
        let program = home.dir.path().join("mecris");
        fs::copy(env!("CARGO_BIN_EXE_mecris"), &program).unwrap();
        for path in [home.dir.path(), &home.claude(), &path] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new(program);
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY).args(arguments).env_clear();
        std::os::unix::process::CommandExt::gid(&mut command, NOBODY).env("HOME", home.dir.path());
    }
    command.env("MECRIS_TRANSCRIPTS__POLL_SECONDS", "1");
    let (running, told) = home.start_command(command, &home.data());
    counts(&running, 5);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    std::io::Write::write_all(&mut file, calls(5..9).as_bytes()).unwrap();
    home.transcript("b.jsonl", calls(20..22));
    counts(&running, 7);
    let begun = Instant::now();
    while running.get("/api/v1/spend").json()["unread"]["files"] != 1 {
        assert!(begun.elapsed() < BOUND, "{}", running.get("/api/v1/spend").json());
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    counts(&running, 11);
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert_eq!(told.matches("transcripts cannot be read").count(), 1, "{told}");
    assert_eq!(told.matches("all transcripts can be read again").count(), 1, "{told}");
}

/// `MECRIS_FILES=200000 cargo test --test main -- odd_files::many --nocapture`
#[test]
fn many_small_files_are_read_and_followed_with_few_open_at_once() {
    let files: u32 = std::env::var("MECRIS_FILES").ok().map_or(20_000, |text| text.parse().unwrap());
    let home = Home::new();
    let dir = home.transcript("first.jsonl", call(0)).parent().unwrap().to_owned();
    for number in 1..files {
        let folder = dir.join(format!("{}", number / 1_000));
        if number % 1_000 == 0 || number == 1 {
            fs::create_dir_all(&folder).unwrap();
        }
        fs::write(folder.join(format!("{number}.jsonl")), call(number)).unwrap();
    }
    let begun = Instant::now();
    // No more files may be open than a shell gives by default to a careful user.
    let mut command = Command::new("prlimit");
    let program = home.command(&[]).get_program().to_owned();
    command.args(["--nofile=64", "--"]).arg(program).args(["import", "--json"]).env_clear();
    let said: Said =
        command.env("HOME", home.dir.path()).env("PATH", "/usr/bin:/bin").output().unwrap().into();
    let summary: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    println!("{files} files: {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!((&summary["recorded"], &summary["bad_files"]), (&json!(files), &json!(0)), "{summary}");
    let running = home.start(&["--log-level", "warn"]);
    fs::write(dir.join("1.jsonl"), call(files)).unwrap();
    counts(&running, u64::from(files) + 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn where_the_system_tells_of_no_changes_transcripts_are_polled_and_a_line_says_so() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(0..2));
    let program = home.command(&[]).get_program().to_str().unwrap().to_owned();
    let script = format!(
        "echo 0 > /proc/sys/user/max_inotify_instances || exit 77; exec '{program}' run --listen 127.0.0.1:0"
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", &script]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("HOME", home.dir.path()).env("MECRIS_TRANSCRIPTS__POLL_SECONDS", "1");
    let (running, told) = home.start_command(command, &home.data());
    home.transcript("b.jsonl", calls(2..5));
    counts(&running, 5);
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert_eq!(told.matches("transcripts are polled").count(), 1, "{told}");
    assert!(told.contains("fs.inotify."), "{told}");
}
