//! Where the session of a transcript began, and the repository around it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::depth::DEPTH_MAX;
use crate::files::others;

use super::line::directory;

/// A session names its directory within its first lines.
const HEAD: u64 = 4 << 20;

/// A `.git` file is one line.
const GIT_FILE_MAX: u64 = 4 << 10;

/// The main transcript of the session that a subagent's belongs to: `…/<session>.jsonl` for
/// `…/<session>/subagents/**/x.jsonl`.
#[must_use]
pub fn main_of(path: &Path) -> Option<PathBuf> {
    let subagents =
        path.ancestors().skip(1).find(|above| above.file_name().is_some_and(|name| name == "subagents"))?;
    let session = subagents.parent()?;
    let mut name = session.file_name()?.to_owned();
    name.push(".jsonl");
    Some(session.with_file_name(name))
}

/// The first directory that a transcript names, if it can be read and names one.
#[must_use]
pub fn first_directory(path: &Path) -> Option<String> {
    let file = others::open(path).ok()?;
    let mut lines = BufReader::new(file.take(HEAD));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).ok()? > 0 {
        if memchr::memmem::find(&line, b"\"cwd\"").is_some()
            && let Some(found) = directory(&line)
        {
            return Some(found);
        }
        line.clear();
    }
    None
}

/// The roots of repositories, by directory; each directory is looked at once.
#[derive(Debug, Default)]
pub struct Repositories {
    known: HashMap<String, Arc<str>>,
}

impl Repositories {
    /// The root of the repository that a directory is in: of a worktree that of the main one. Empty where there is none.
    /// The person's home directory is none, though some keep their settings in one.
    pub fn root(&mut self, directory: &str) -> Arc<str> {
        if let Some(known) = self.known.get(directory) {
            return known.clone();
        }
        let root: Arc<str> = find_root(Path::new(directory)).unwrap_or_default().into();
        self.known.insert(directory.to_owned(), root.clone());
        root
    }
}

fn find_root(directory: &Path) -> Option<String> {
    if !directory.is_absolute() {
        return None;
    }
    let home = std::env::home_dir();
    for above in directory.ancestors().take(DEPTH_MAX) {
        if above.parent().is_none() || home.as_deref() == Some(above) {
            return None;
        }
        let git = above.join(".git");
        let Ok(metadata) = std::fs::metadata(&git) else { continue };
        if metadata.is_dir() {
            return above.to_str().map(str::to_owned);
        }
        if metadata.is_file() {
            return main_worktree(&git).or_else(|| above.to_str().map(str::to_owned));
        }
    }
    None
}

/// A worktree's `.git` is a file: `gitdir: /main/.git/worktrees/name`.
fn main_worktree(git: &Path) -> Option<String> {
    let text = String::from_utf8(others::read(git, GIT_FILE_MAX).ok()?).ok()?;
    let gitdir = Path::new(text.strip_prefix("gitdir:")?.trim());
    let gitdir = if gitdir.is_absolute() { gitdir.to_owned() } else { git.parent()?.join(gitdir) };
    let worktrees =
        gitdir.parent().filter(|above| above.file_name().is_some_and(|name| name == "worktrees"))?;
    let main =
        worktrees.parent().filter(|above| above.file_name().is_some_and(|name| name == ".git"))?.parent()?;
    main.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subagent_s_transcript_belongs_to_its_session_s() {
        for (path, main) in [
            ("/p/-w/s-1/subagents/agent-1.jsonl", Some("/p/-w/s-1.jsonl")),
            ("/p/-w/s-1/subagents/workflows/7/agent-1.jsonl", Some("/p/-w/s-1.jsonl")),
            ("/p/-w/s-1.jsonl", None),
        ] {
            assert_eq!(main_of(Path::new(path)).as_deref(), main.map(Path::new), "{path}");
        }
    }

    #[test]
    fn worktrees_and_subfolders_have_the_main_repository_s_root() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["main/.git/worktrees/side", "main/src/deep", "side/src", "sub/.git", "plain", "module"]
        {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("side/.git"), format!("gitdir: {}\n", at("main/.git/worktrees/side").display()))
            .unwrap();
        std::fs::write(at("module/.git"), "gitdir: ../main/.git/modules/module\n").unwrap();
        let mut repositories = Repositories::default();
        for (directory, root) in [
            ("main", "main"),
            ("main/src/deep", "main"),
            ("main/src/gone/long/ago", "main"),
            ("side/src", "main"),
            ("sub", "sub"),
            ("module", "module"),
        ] {
            let found = repositories.root(at(directory).to_str().unwrap());
            assert_eq!(&*found, at(root).to_str().unwrap(), "{directory}");
        }
        assert_eq!(&*repositories.root(at("plain").to_str().unwrap()), "");
        assert_eq!(&*repositories.root("C:\\w\\alpha"), "");
        assert_eq!(&*repositories.root("src"), "");
    }
}
