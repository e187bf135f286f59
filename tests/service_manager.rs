//! Under a service manager: it is told when the supervisor is ready, alive, reloading and stopping; and
//! settings that can change while it runs do.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use crate::support::program::{Home, Running};

/// Reads what the service manager is told until this comes.
fn wait_for(socket: &UnixDatagram, wanted: &str) -> String {
    let mut buffer = [0; 1024];
    let mut heard = String::new();
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{error}; heard {heard}"));
        let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
        heard += &said;
        if said.lines().any(|line| line == wanted) {
            return heard;
        }
    }
}

fn hang_up(running: &Running) {
    let done = Command::new("kill").args(["-HUP", &running.child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

#[test]
fn the_service_manager_is_told() {
    let home = Home::new();
    let path = home.dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // Only a test that hangs meets this.
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "300000")];
    let running = home.start_with(&[], &variables);
    wait_for(&socket, "READY=1");
    wait_for(&socket, "WATCHDOG=1");
    wait_for(&socket, "WATCHDOG=1");
    hang_up(&running);
    assert!(wait_for(&socket, "RELOADING=1").contains("MONOTONIC_USEC="));
    wait_for(&socket, "READY=1");
    assert_eq!(running.stop(), 0);
    wait_for(&socket, "STOPPING=1");
}

#[test]
fn settings_change_while_it_runs_or_are_said_to_need_a_restart() {
    let home = Home::new();
    let path = home.dir.path().join("config.toml");
    let config = ["--config", path.to_str().unwrap()];
    std::fs::write(&path, "time_zone = \"UTC\"\n").unwrap();
    let running = home.start(&config);
    let zone = || running.get("/api/v1/status").json()["time_zone"].as_str().unwrap().to_owned();
    assert_eq!(zone(), "UTC");
    std::fs::write(&path, "time_zone = \"Asia/Tokyo\"\n[log]\nreserve_mib = 32\n").unwrap();
    let bearer = format!("Bearer {}", running.token);
    let reload = || running.send("POST", "/api/v1/reload", &[("authorization", &bearer)], None);
    let answer = reload().json();
    let expected = serde_json::json!({ "changed": [
        { "key": "time_zone", "applied": true }, { "key": "log.reserve_mib", "applied": false },
    ]});
    assert_eq!(answer, expected);
    assert_eq!(zone(), "Asia/Tokyo");
    assert_eq!(reload().json()["changed"].as_array().unwrap().len(), 0);
    // What is wrong changes nothing, and is told.
    std::fs::write(&path, "time_zone = \"Mars/Olympus\"\n").unwrap();
    let refused = reload();
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("'Mars/Olympus' is not a time zone"), "{refused:?}");
    assert_eq!(zone(), "Asia/Tokyo");
    // The command does the same as the API.
    std::fs::write(&path, "time_zone = \"Europe/Berlin\"\n[log]\nreserve_mib = 32\n").unwrap();
    let said = home.run(&[&["reload"], &config[..]].concat());
    assert_eq!((said.code, said.out.as_str()), (0, "time_zone: in force\n"), "{said:?}");
    assert_eq!(zone(), "Europe/Berlin");
    // And the signal.
    std::fs::write(&path, "time_zone = \"UTC\"\n").unwrap();
    hang_up(&running);
    while zone() != "UTC" {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(running.stop(), 0);
}

/// The unit and the container file say what the program does.
#[test]
fn the_unit_and_the_container_file_name_what_there_is() {
    let read = |name: &str| {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    };
    let unit = read("deploy/mecris.service");
    for line in ["Type=notify", "ExecReload=", "WatchdogSec=", "Restart=on-failure", "ExecStart="] {
        assert!(unit.lines().any(|found| found.starts_with(line)), "{line}");
    }
    // Its own directory and no other; what else it writes to is the person's to name.
    let writable: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("ReadWritePaths=")).collect();
    assert_eq!(writable, ["%h/.local/share/mecris"]);
    let container = read("deploy/Containerfile");
    for line in ["FROM ", "COPY ", "USER ", "ENTRYPOINT "] {
        assert!(container.lines().any(|found| found.starts_with(line)), "{line}");
    }
}

/// The unit with a program that is there, for systemd's own judgement of the rest.
fn unit_with(drop_in: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let unit =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/mecris.service")).unwrap();
    let unit = unit.replace("%h/.local/bin/mecris", env!("CARGO_BIN_EXE_mecris")).replace("%h", "/root");
    std::fs::write(dir.path().join("mecris.service"), unit).unwrap();
    if !drop_in.is_empty() {
        std::fs::create_dir(dir.path().join("mecris.service.d")).unwrap();
        std::fs::write(dir.path().join("mecris.service.d/more.conf"), drop_in).unwrap();
    }
    dir
}

fn analyze(arguments: &[&str]) -> Option<std::process::Output> {
    match Command::new("systemd-analyze").arg("--no-pager").args(arguments).output() {
        // `tests/run` installs it; elsewhere there may be no such thing as systemd.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        ran => Some(ran.unwrap()),
    }
}

/// Blocks of TOML-like text in a document, behind a line that says where they go.
fn drop_in(document: &str, heading: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(heading).unwrap_or_else(|| panic!("{document} has no '{heading}'"));
    let (_, block) = rest.split_once("```ini\n").unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn systemd_finds_the_unit_hardened_and_without_a_mistake() {
    let vault = drop_in("docs/operating.md", "the vault");
    assert!(vault.contains("ReadWritePaths="), "{vault}");
    let console = drop_in("docs/operating.md", "the console's browser");
    assert!(console.contains("RestrictNamespaces="), "{console}");
    for more in ["", &vault, &console] {
        let dir = unit_with(more);
        let unit = dir.path().join("mecris.service");
        let Some(verified) = analyze(&["verify", unit.to_str().unwrap()]) else { return };
        let said = String::from_utf8_lossy(&verified.stderr);
        // It looks at the machine's other units too.
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("mecris")).collect();
        assert!(ours.is_empty(), "{more}: {ours:?}");
    }
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/mecris.service");
    let judged = analyze(&["security", "--offline=true", unit]).unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    let level = said.lines().find_map(|line| line.split_once("Overall exposure level for mecris.service: "));
    let level = level.unwrap_or_else(|| panic!("{judged:?}")).1.split(' ').next().unwrap();
    assert!(level.parse::<f64>().unwrap() <= 2.0, "{said}");
}
