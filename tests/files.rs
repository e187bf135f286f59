//! Files that are written: for their owner alone, through no link, whatever was there before.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use mecris::log::backup::backup;
use mecris::log::conformance::append;
use mecris::log::restore::restore;
use mecris::log::{EventLog, Expected, LogError, Options, SledLog};

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Said};

/// A stranger, where this runs as root and may give files away, as CI does.
const STRANGER: u32 = 65_534;

/// All that lies below a directory, and what others than its owner may do with it.
fn modes_below(dir: &Path) -> BTreeMap<PathBuf, u32> {
    let mut modes = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        modes.insert(path.clone(), metadata.mode() & 0o077);
        if metadata.is_dir() {
            modes.extend(modes_below(&path));
        }
    }
    modes
}

fn assert_closed(dir: &Path) -> usize {
    let modes = modes_below(dir);
    let open: Vec<_> = modes.iter().filter(|(_, others)| **others != 0).collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(fs::metadata(dir).unwrap().mode() & 0o077, 0, "{}", dir.display());
    modes.len()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs it under a shell's `umask 000`.
fn run_open(home: &Home, arguments: &[&str]) -> Said {
    let program = home.command(arguments);
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    shell.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap().into()
}

#[test]
fn no_file_of_a_data_directory_is_open_to_others_whatever_the_mask() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 61 });
    let succeeds = |arguments: &[&str]| {
        let said = run_open(&home, arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
    };
    succeeds(&["import"]);
    succeeds(&["budget", "set", "--amount", "7"]);
    succeeds(&["consent", "grant", "+15558675310"]);
    let target = home.dir.path().join("backup");
    succeeds(&["backup", target.to_str().unwrap()]);
    let restored = home.dir.path().join("restored");
    succeeds(&["restore", target.to_str().unwrap(), "--to", restored.to_str().unwrap()]);
    succeeds(&["restore", target.to_str().unwrap(), "--to", restored.to_str().unwrap()]);
    // A supervisor writes what commands do not: its token, its address, where reading stopped.
    let running = home.start_open();
    let answer = running.backup("nightly");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(assert_closed(&home.data()) > 12);
    assert_eq!(running.stop(), 0);
    for name in
        ["token", "contacts.json", "closed", "lock", "transcripts.json", "backups/nightly/manifest.json"]
    {
        assert!(home.data().join(name).is_file(), "{name}");
    }
    for dir in [&home.data(), &target, &restored] {
        assert!(assert_closed(dir) > 2);
    }
}

#[test]
fn what_an_older_version_left_open_is_closed_with_a_line_that_says_so() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 100_000, files: 1, days: 1, seed: 61 });
    assert_eq!(home.start(&[]).stop(), 0);
    let target = home.dir.path().join("backup");
    let backed_up = ["backup", target.to_str().unwrap()];
    assert_eq!(home.run(&backed_up).code, 0);
    let token = fs::read_to_string(home.data().join("token")).unwrap();
    for dir in [home.data(), target.clone()] {
        for path in modes_below(&dir).into_keys().chain([dir]) {
            set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
        }
    }
    let said = home.run(&["status"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("closed"), "{said:?}");
    assert_closed(&home.data());
    set_mode(&home.data().join("token"), 0o666);
    let running = home.start(&[]);
    assert_eq!(running.token, token, "it is the same still");
    assert_closed(&home.data());
    assert_eq!(running.stop(), 0);
    let said = home.run(&backed_up);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("closed"), "{said:?}");
    assert_closed(&target);
    let said = home.run(&backed_up);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "once is enough");
}

#[test]
fn a_token_that_was_prepared_is_not_taken_and_not_written_through() {
    let home = Home::new();
    let (data, victim) = (home.data(), home.dir.path().join("victim"));
    fs::create_dir_all(&data).unwrap();
    fs::write(&victim, "precious").unwrap();
    // What the program once wrote to on its way, open to all, or a link.
    fs::write(data.join("token.new"), "").unwrap();
    set_mode(&data.join("token.new"), 0o666);
    symlink(&victim, home.root().join("server.new")).unwrap();
    symlink(&victim, data.join("closed.new")).unwrap();
    let running = home.start(&[]);
    assert_eq!(fs::metadata(data.join("token")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(running.stop(), 0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    // A link in the token's place is refused by name: who set it knows what is behind it.
    for name in ["token", "lock"] {
        let path = data.join(name);
        fs::remove_file(&path).unwrap();
        symlink(&victim, &path).unwrap();
        let said = home.run(&["run", "--listen", "127.0.0.1:0"]);
        assert_ne!(said.code, 0, "{said:?}");
        assert!(said.err.contains(&format!("{} is a link", path.display())), "{said:?}");
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

fn log(data: &Path) -> SledLog {
    let options = Options { segment_bytes: 20_000, reserve_bytes: 0, ..Options::default() };
    let log = SledLog::open(data, options).unwrap().0;
    for number in 0..12 {
        let first = number * 100;
        log.append(append("a", Expected::Any, first..first + 40)).wait().unwrap();
    }
    log
}

#[test]
fn a_prepared_backup_directory_costs_nobody_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir.path().join("data"));
    let victim = dir.path().join("victim.txt");
    let whole = "precious\n".repeat(100);
    fs::write(&victim, &whole).unwrap();
    let refuses = |target: &Path, what: &str| {
        let error = backup(&log, target, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, LogError::Unsafe(_)), "{what}: {error:?}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), whole, "{what}");
        error.to_string()
    };
    // Every name that is written, also those that a guess or an older version would give.
    let first = "00000000000000000001";
    let names = ["manifest.new", "manifest.json", "journal.new"].map(str::to_owned).into_iter().chain([
        format!("journal/{first}.seg"),
        format!("journal/{first}.new"),
        format!("journal/{first}.seg.new"),
    ]);
    for name in names {
        let target = dir.path().join("prepared");
        fs::create_dir_all(target.join("journal")).unwrap();
        symlink(&victim, target.join(&name)).unwrap();
        // Refused where it would be read, and else replaced or passed over: never followed.
        match backup(&log, &target, &mut |_, _| {}) {
            Ok(_) => assert_closed_but_links(&target),
            Err(error) => assert!(matches!(error, LogError::Unsafe(_)), "{name}: {error:?}"),
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), whole, "{name}");
        fs::remove_dir_all(&target).unwrap();
    }
    // The journal's folder, and the directory itself where the link is a stranger's.
    let (target, elsewhere) = (dir.path().join("linked"), dir.path().join("elsewhere"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, target.join("journal")).unwrap();
    assert!(refuses(&target, "journal").contains("journal is a link"));
    let stranger = |path: &Path| std::os::unix::fs::lchown(path, Some(STRANGER), Some(STRANGER)).is_ok();
    let link = dir.path().join("link");
    symlink(&elsewhere, &link).unwrap();
    if stranger(&link) {
        assert!(refuses(&link, "a stranger's link").contains("is a link"));
    }
    let theirs = dir.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    set_mode(&theirs, 0o777);
    if stranger(&theirs) {
        assert!(refuses(&theirs, "a stranger's directory").contains("belongs to user 65534"));
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

fn assert_closed_but_links(dir: &Path) {
    let open = modes_below(dir);
    let open: Vec<_> = open.iter().filter(|(path, others)| **others != 0 && !path.is_symlink()).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_restore_writes_through_no_link_and_reads_through_none() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir.path().join("data"));
    let (target, to) = (dir.path().join("backup"), dir.path().join("to"));
    backup(&log, &target, &mut |_, _| {}).unwrap();
    let victim = dir.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("file"), "precious").unwrap();
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let tried = |to: &Path| restore(&target, to, None, &options, &mut |_, _| {});
    fs::create_dir(&to).unwrap();
    symlink(&victim, to.join("journal.new")).unwrap();
    let error = tried(&to).unwrap_err();
    assert!(matches!(error, LogError::Unsafe(_)), "{error:?}");
    fs::remove_file(to.join("journal.new")).unwrap();
    fs::remove_file(to.join("lock")).unwrap();
    symlink(victim.join("file"), to.join("lock")).unwrap();
    let error = tried(&to).unwrap_err();
    assert!(matches!(error, LogError::Unsafe(_)), "{error:?}");
    fs::remove_file(to.join("lock")).unwrap();
    assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "precious");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
    // A segment that is a link, or a pipe that would be read for ever.
    let segment = fs::read_dir(target.join("journal")).unwrap().next().unwrap().unwrap().path();
    let moved = dir.path().join("moved");
    fs::rename(&segment, &moved).unwrap();
    symlink(&moved, &segment).unwrap();
    assert!(matches!(tried(&to), Err(LogError::Unsafe(_))));
    fs::remove_file(&segment).unwrap();
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &segment, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    assert!(matches!(tried(&to), Err(LogError::Unsafe(_))));
    fs::remove_file(&segment).unwrap();
    fs::rename(&moved, &segment).unwrap();
    tried(&to).unwrap();
    assert_closed(&to);
}

#[test]
fn a_backup_over_http_lies_below_its_root_and_names_the_setting() {
    let home = Home::new();
    let running = home.start(&[]);
    let elsewhere = home.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, home.data().join("backups-link")).unwrap();
    // The empty path is of no form, the others lie elsewhere.
    for (asked, status) in
        [(elsewhere.to_str().unwrap(), 422), ("/tmp", 422), ("../x", 422), ("", 400), ("..", 422)]
    {
        let answer = running.backup(asked);
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "application/problem+json"),
            "{answer:?}"
        );
        assert!(answer.body.contains("backup.root"), "{answer:?}");
    }
    assert_eq!(running.backup("nightly").status, 200);
    symlink(&elsewhere, home.data().join("backups/out")).unwrap();
    for asked in ["out", "out/deeper"] {
        assert_eq!(running.backup(asked).status, 422);
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    let absolute = home.data().join("backups/nightly");
    let again = running.backup(absolute.to_str().unwrap()).json();
    assert_eq!(again["copied"], 0, "an absolute path below the root is the same one: {again}");
    assert_eq!(running.stop(), 0);
    // The root is a setting, and another's directory is none.
    let root = home.dir.path().join("mine");
    let running = home.start_with(&[], &[("MECRIS_BACKUP__ROOT", root.to_str().unwrap())]);
    assert_eq!(running.backup("nightly").status, 200);
    assert!(root.join("nightly/manifest.json").is_file());
    assert_eq!(running.stop(), 0);
    let not_ours = if rustix::process::geteuid().is_root() {
        fs::create_dir(home.dir.path().join("theirs")).unwrap();
        std::os::unix::fs::chown(home.dir.path().join("theirs"), Some(STRANGER), None).unwrap();
        home.dir.path().join("theirs")
    } else {
        PathBuf::from("/")
    };
    let running = home.start_with(&[], &[("MECRIS_BACKUP__ROOT", not_ours.to_str().unwrap())]);
    let answer = running.backup("nightly");
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.body.contains("belongs to user"), "{answer:?}");
    assert_eq!(running.stop(), 0);
}
