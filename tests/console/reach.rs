//! Who reaches a browser in which somebody is logged in: the program that started it, and nobody else.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mecris::integration::console::Limits;

use super::{LIMITS, browsers, home_of, leaves_nothing, log_in, run};
use crate::support::outside::console::{Mood, Site};
use crate::support::program::Home;

/// A display that nobody sees.
pub struct UiCallbacks {
    server: Child,
    number: String,
}

impl UiCallbacks {
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, number: number.trim().to_owned() }
    }

    /// The command that opens the window.
    pub fn log_in(&self, home: &Home) -> Command {
        let mut command = home.command(&["login", "anthropic"]);
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("DISPLAY", format!(":{}", self.number));
        command
    }
}

impl Drop for UiCallbacks {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// The group of a process: the third field after the name in brackets, by proc(5).
fn group(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The browser's own process, which has its profile and is no helper of another.
fn browser_of(dir: &Path) -> Option<u32> {
    let mark = format!("--user-data-dir={}", dir.join("console/anthropic/profile").display());
    processes().find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.split('\0').any(|argument| argument == mark) && !line.contains("--type=")
    })
}

/// What the descriptors of a process are.
fn descriptors(pid: u32) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let read = |entry: std::fs::DirEntry| {
        let is = std::fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().into_string().ok()?, is.to_str()?.to_owned()))
    };
    entries.flatten().filter_map(read).collect()
}

/// The local addresses, in hexadecimal, on which any of these processes listens, by proc_pid_net(5).
fn listening(pids: &[u32]) -> Vec<String> {
    let theirs: Vec<String> = pids.iter().flat_map(|pid| descriptors(*pid)).map(|(_, is)| is).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listens = fields.filter(|fields| fields[3] == "0A");
    let of_theirs = listens.filter(|fields| theirs.contains(&format!("socket:[{}]", fields[9])));
    of_theirs.map(|fields| fields[1].to_owned()).collect()
}

/// Runs a line of the shell as a user who owns nothing here; whether it succeeds.
fn as_stranger(line: &str) -> bool {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", "sh", "-c", line]);
    command.stderr(Stdio::null()).status().unwrap().success()
}

/// That whoever looks for a way to this browser finds none.
fn assert_nobody_reaches(dir: &Path) {
    let browser = browser_of(dir).expect("the browser runs");
    let line =
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{browser}/cmdline")).unwrap()).into_owned();
    assert!(line.contains("--remote-debugging-pipe") && !line.contains("debugging-port"), "{line}");
    let its = group(browser);
    let pids: Vec<u32> = processes().filter(|pid| group(*pid) == its).collect();
    assert!(pids.len() > 1 && !pids.contains(&std::process::id()), "{pids:?}");
    assert_eq!(listening(&pids), Vec::<String>::new());
    // What is looked for is found where it is.
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!(":{:04X}", socket.local_addr().unwrap().port());
    assert!(listening(&[std::process::id()]).iter().any(|address| address.ends_with(&port)));

    let pipes: Vec<(String, String)> = descriptors(browser)
        .into_iter()
        .filter(|(number, _)| ["3", "4"].contains(&number.as_str()))
        .collect();
    assert!(pipes.len() == 2 && pipes.iter().all(|(_, is)| is.starts_with("pipe:")), "{pipes:?}");
    if rustix::process::geteuid().is_root() {
        assert!(as_stranger("exec 9</dev/null"));
        for (pid, number) in pids.iter().flat_map(|pid| [(pid, 3), (pid, 4)]) {
            for opens in ["9<", "9>"] {
                assert!(
                    !as_stranger(&format!("exec {opens}/proc/{pid}/fd/{number}")),
                    "{pid} {number} {opens}"
                );
            }
        }
        assert!(!as_stranger(&format!("ls {}", dir.join("console").display())));
    }
}

/// Looks at the browser of a command once something has happened, and ends the command.
fn while_it_runs(mut command: Command, dir: &Path, has_begun: impl Fn() -> bool) {
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let is_there = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        has_begun()
    });
    assert!(is_there);
    assert_nobody_reaches(dir);
    child.kill().unwrap();
    child.wait().unwrap();
    let is_gone = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        browsers(dir).is_empty()
    });
    assert!(is_gone, "{:?}", browsers(dir));
}

#[test]
fn while_it_reads_the_browser_listens_on_no_port_and_another_user_cannot_reach_it() {
    let site = Site::start();
    let home = home_of(&site);
    log_in(&home);
    site.be(Mood::Never);
    let mut command = home.command(&["console", "read"]);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    while_it_runs(command, &home.data(), || site.reads() > 0);
}

#[test]
fn the_login_window_listens_on_no_port_and_another_user_cannot_reach_it() {
    let site = Site::start();
    let home = home_of(&site);
    let screen = UiCallbacks::start();
    while_it_runs(screen.log_in(&home), &home.data(), || site.login_pages() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_has_the_browser_say_is_bounded() {
    let (site, dir) = (Site::start(), tempfile::tempdir().unwrap());
    let recipe = super::recipe(&site);
    let profile = super::logged_in(dir.path(), &recipe).await;
    // A body that nobody needs to be so long is not fetched; the other way to the amount is left.
    site.be(Mood::Long);
    assert_eq!(super::outcome(&profile, &recipe, LIMITS, Some("14")).await, "13.92 page");
    // A page that turns its own functions against us ends its own reading.
    site.be(Mood::Shouting);
    let patient = Limits { page_seconds: 30, ..LIMITS };
    assert_eq!(super::outcome(&profile, &recipe, patient, Some("14")).await, "browser");
    site.be(Mood::Good);
    assert_eq!(super::outcome(&profile, &recipe, LIMITS, None).await, "13.92 credits+page");
    drop(profile);
    leaves_nothing(dir.path());
}

#[test]
fn root_starts_no_browser_unless_the_settings_say_so_and_the_doctor_tells_both() {
    let site = Site::start();
    let home = home_of(&site);
    let config = home.dir.path().join(".config/mecris/config.toml");
    let allowing = std::fs::read_to_string(&config).unwrap();
    let checked = || {
        let said = run(&home, &["doctor", "--offline", "--json"]);
        let doctor: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let checks = doctor["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "console.as_root");
        check.map(|check| (check["verdict"].as_str().unwrap().to_owned(), check["fix"].to_string()))
    };
    let (verdict, fix) = checked().unwrap();
    assert!(verdict == "warning" && fix.contains("ordinary user"), "{verdict} {fix}");

    std::fs::write(&config, allowing.replace("as_root = true\n", "")).unwrap();
    let cookies = home.dir.path().join("cookies.txt");
    let login = ["login", "anthropic", "--cookies", cookies.to_str().unwrap()];
    if rustix::process::geteuid().is_root() {
        for arguments in [&["console", "read"][..], &login] {
            let said = run(&home, arguments);
            assert!(said.code == 1 && said.err.contains("ordinary user"), "{said:?}");
            assert!(said.err.contains("console.as_root = true"), "{said:?}");
        }
        assert_eq!(checked().unwrap().0, "problem");
    } else {
        // An ordinary user has the sandbox, and needs no leave.
        assert_eq!(run(&home, &login).code, 0);
        assert_eq!(checked(), None);
    }
    assert_eq!(site.reads(), 0);
    leaves_nothing(&home.data());
    // What was refused does not count as an attempt.
    assert!(!home.data().join("console/anthropic/tried").exists());
}
