use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::own::{self, Fresh, Swept};
use super::*;

const NOBODY: u32 = 65_534;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Changes a path's owner, if possible: as root, as in CI.
fn give_away(path: &Path) -> bool {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).is_ok()
}

fn refused<T: std::fmt::Debug>(result: io::Result<T>) -> Refused {
    let error = result.unwrap_err();
    refusal(&error).unwrap_or_else(|| panic!("{error}")).clone()
}

#[test]
fn what_is_made_is_for_its_owner_alone_and_what_was_open_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (made, file) = (dir.path().join("a/b"), dir.path().join("a/b/file"));
    own::dir(&made).unwrap();
    own::write(&file, b"one").unwrap();
    assert_eq!((mode(&made), mode(made.parent().unwrap()), mode(&file)), (0o700, 0o700, 0o600));
    for (open, closed) in [(0o755, 0o700), (0o777, 0o700), (0o500, 0o700)] {
        set_mode(&made, open);
        own::dir(&made).unwrap();
        assert_eq!(mode(&made), closed, "{open:o}");
    }
    for (open, closed) in [(0o644, 0o600), (0o666, 0o600), (0o440, 0o400)] {
        set_mode(&file, open);
        assert_eq!(own::read_text(&file, 99).unwrap(), "one");
        assert_eq!(mode(&file), closed, "{open:o}");
    }
    own::write(&file, b"two").unwrap();
    assert_eq!((own::read_text(&file, 99).unwrap(), mode(&file)), ("two".to_owned(), 0o600));
    own::open_or_make(&made.join("lock")).unwrap();
    own::make(&made.join("fresh")).unwrap();
    assert_eq!((mode(&made.join("lock")), mode(&made.join("fresh"))), (0o600, 0o600));
    assert_eq!(fs::read_dir(&made).unwrap().count(), 3, "nothing is left on its way");
}

#[test]
fn no_link_is_followed_by_what_writes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    own::dir(&data).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    set_mode(&victim, 0o644);
    let link = data.join("link");
    for target in [victim.as_path(), Path::new("nowhere")] {
        symlink(target, &link).unwrap();
        for tried in [own::open_or_make(&link), own::open(&link), own::open_to_read(&link)] {
            assert!(matches!(refused(tried), Refused::Link(_)));
        }
        assert!(matches!(refused(own::make(&link)), Refused::Taken(_)));
        assert!(matches!(refused(own::read_text(&link, 9)), Refused::Link(_)));
        assert!(matches!(refused(own::inner_dir(&link)), Refused::Link(_)));
        assert!(matches!(refused(own::new_dir(&link)), Refused::Taken(_)));
        // Written over, the link itself goes.
        own::write(&link, b"ours").unwrap();
        assert!(link.symlink_metadata().unwrap().is_file());
        fs::remove_file(&link).unwrap();
    }
    assert_eq!((fs::read_to_string(&victim).unwrap().as_str(), mode(&victim)), ("precious", 0o644));
    // A person's own link to a directory of theirs is a place like any other, but not inside of what is ours.
    let elsewhere = dir.path().join("elsewhere");
    own::dir(&elsewhere).unwrap();
    symlink(&elsewhere, &link).unwrap();
    own::dir(&link).unwrap();
    own::dir(&data.join("link/")).unwrap();
    assert!(matches!(refused(own::inner_dir(&link)), Refused::Link(_)));
    assert!(
        matches!(refused(own::inner_dir(&data.join("link/"))), Refused::Link(_)),
        "nor with a slash behind it"
    );
    if give_away(&link) {
        assert!(matches!(refused(own::dir(&link)), Refused::Link(_)), "a stranger's link");
    }
}

#[test]
fn what_is_somebody_else_s_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (theirs, file) = (dir.path().join("theirs"), dir.path().join("file"));
    fs::create_dir(&theirs).unwrap();
    fs::write(&file, "theirs").unwrap();
    set_mode(&theirs, 0o777);
    set_mode(&file, 0o666);
    if !(give_away(&theirs) && give_away(&file)) {
        // An ordinary user owns no more than their own; root's directory is another's.
        assert!(matches!(refused(own::dir(Path::new("/"))), Refused::Owner { owner: 0, .. }));
        return;
    }
    for tried in [own::dir(&theirs), own::inner_dir(&theirs), own::persons_dir(&theirs)] {
        assert!(matches!(refused(tried), Refused::Owner { owner: NOBODY, .. }));
    }
    assert!(matches!(refused(own::write(&theirs.join("x"), b"x")), Refused::Owner { .. }));
    assert!(matches!(refused(own::sweep(&theirs, &[])), Refused::Owner { .. }));
    assert!(matches!(refused(own::open_or_make(&file)), Refused::Owner { owner: NOBODY, .. }));
    assert!(matches!(refused(own::read_text(&file, 9)), Refused::Owner { .. }));
    assert_eq!((mode(&theirs), mode(&file), fs::read_dir(&theirs).unwrap().count()), (0o777, 0o666, 0));
}

#[test]
fn a_pipe_or_a_directory_in_a_file_s_place_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_eq!(refused(own::open_or_make(&pipe)), Refused::Kind(said(&pipe)));
    assert_eq!(refused(own::read_text(&pipe, 9)), Refused::Kind(said(&pipe)));
    assert_eq!(refused(own::open_to_read(&pipe)), Refused::Kind(said(&pipe)));
    assert_eq!(refused(own::read_text(dir.path(), 9)), Refused::Kind(said(dir.path())));
    let endless = text::read_up_to(Path::new("/dev/zero"), 1_000).unwrap_err();
    assert_eq!(endless.kind(), io::ErrorKind::InvalidInput, "a device is not read at all");
    let long = dir.path().join("long");
    fs::write(&long, [b'a'; 1_001]).unwrap();
    assert_eq!(text::read_up_to(&long, 1_000).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_file_on_its_way_is_nowhere_until_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "before").unwrap();
    let names = || fs::read_dir(dir.path()).unwrap().count();
    let fresh = Fresh::beside(&path).unwrap();
    assert_eq!(names(), 2);
    drop(fresh);
    assert_eq!((names(), fs::read_to_string(&path).unwrap().as_str()), (1, "before"));
    // As a writer that was killed leaves it.
    std::mem::forget(Fresh::beside(&path).unwrap());
    assert_eq!(names(), 2);
    fs::write(dir.path().join(".mecris-mine.tmp"), "").unwrap();
    set_mode(&dir.path().join(".mecris-mine.tmp"), 0o600);
    set_mode(&path, 0o600);
    assert_eq!(own::sweep(dir.path(), &[]).unwrap(), Swept { closed: 0, removed: 1 });
    assert_eq!(names(), 2, "only what is named so by us");
    assert_ne!(passing_name(), passing_name());
}

#[test]
fn a_sweep_closes_all_of_it_and_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let (data, victim) = (dir.path().join("data"), dir.path().join("victim"));
    fs::create_dir_all(data.join("journal/deep")).unwrap();
    fs::create_dir_all(data.join("profile")).unwrap();
    for name in ["token", "journal/1.seg", "journal/deep/x", "profile/Cookies"] {
        fs::write(data.join(name), "x").unwrap();
        set_mode(&data.join(name), 0o664);
    }
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("file"), "x").unwrap();
    set_mode(&victim, 0o755);
    set_mode(&victim.join("file"), 0o644);
    symlink(&victim, data.join("link")).unwrap();
    symlink(victim.join("file"), data.join("file")).unwrap();
    for name in ["journal", "journal/deep", "profile"] {
        set_mode(&data.join(name), 0o755);
    }
    assert_eq!(own::sweep(&data, &["profile"]).unwrap(), Swept { closed: 6, removed: 0 });
    assert_eq!(own::sweep(&data, &["profile"]).unwrap(), Swept::default());
    assert_eq!((mode(&data.join("journal/deep/x")), mode(&data.join("profile"))), (0o600, 0o700));
    assert_eq!((mode(&data.join("profile/Cookies")), mode(&victim.join("file"))), (0o664, 0o644));
    assert_eq!(mode(&victim), 0o755);
}

#[test]
fn what_is_swapped_between_the_look_and_the_act_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, victim) = (dir.path().join("vault"), dir.path().join("victim"));
    fs::create_dir_all(vault.join("daily")).unwrap();
    fs::create_dir(dir.path().join("outside")).unwrap();
    fs::write(&victim, "precious").unwrap();
    let note = vault.join("daily/note.md");
    let root = beneath::Root::open(&vault).unwrap();

    // The note becomes a link.
    fs::write(&note, "before").unwrap();
    let place = root.find("daily/note.md").unwrap();
    let written = place.write_beside(b"after", 0o600).unwrap();
    fs::remove_file(&note).unwrap();
    symlink(&victim, &note).unwrap();
    assert!(!written.replace(b"before").unwrap());
    assert!(note.is_symlink());
    assert!(matches!(refused(place.open(&note)), Refused::Link(_)));
    fs::remove_file(&note).unwrap();

    // A link comes where nothing was.
    let place = root.find("daily/note.md").unwrap();
    assert!(!place.is_there());
    let written = place.write_beside(b"after", 0o600).unwrap();
    symlink(dir.path().join("outside/new"), &note).unwrap();
    assert!(!written.put().unwrap());
    fs::remove_file(&note).unwrap();

    // The folder becomes a link: what was opened is written to, wherever it lies now.
    fs::write(&note, "before").unwrap();
    fs::write(dir.path().join("outside/note.md"), "before").unwrap();
    let place = root.find("daily/note.md").unwrap();
    fs::rename(vault.join("daily"), vault.join("moved")).unwrap();
    symlink("../outside", vault.join("daily")).unwrap();
    assert!(place.write_beside(b"after", 0o600).unwrap().replace(b"before").unwrap());
    assert_eq!(fs::read_to_string(vault.join("moved/note.md")).unwrap(), "after");
    assert_eq!(fs::read_to_string(dir.path().join("outside/note.md")).unwrap(), "before");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(fs::read_dir(dir.path().join("outside")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(vault.join("moved")).unwrap().count(), 1, "nothing is left on its way");
}
