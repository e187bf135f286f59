//! Where the sessions of a transcript began, and the repositories around that.
//!
//! A session began in the first directory that its own lines name. A file may begin with lines that were copied from
//! another session, which began elsewhere; a session whose lines name none began where the file did.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;

use serde::Deserialize;

use crate::domain::depth::DEPTH_MAX;
use crate::files::others;

use super::line::fields::{DIRECTORY_MAX, Text, shallow, trimmed};

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

/// More sessions of one file are placed where the file began.
const SESSIONS_MAX: usize = 64;

/// Where one session began.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory.
    pub project: Arc<str>,
    /// The root of the repository around it, or empty.
    pub repository: Arc<str>,
}

/// Where the sessions of one file began.
#[derive(Debug)]
pub struct Places {
    /// In the order in which they were learned of.
    known: Vec<(String, Place)>,
    /// The session of the line before.
    last: Option<Finder<'static>>,
    cwd: Finder<'static>,
    forked: Finder<'static>,
}

impl Default for Places {
    fn default() -> Self {
        let (cwd, forked) = (Finder::new(b"\"cwd\""), Finder::new(b"\"forkedFrom\""));
        Self { known: Vec::new(), last: None, cwd, forked }
    }
}

impl Places {
    /// Those that a cursor remembers.
    #[must_use]
    pub fn remembered(begun: &[(String, String)], repositories: &mut Repositories) -> Self {
        let mut places = Self::default();
        for (session, directory) in begun {
            places.add(session.clone(), directory, repositories);
        }
        places
    }

    /// Those of another transcript.
    #[must_use]
    pub fn of_file(path: &Path, repositories: &mut Repositories) -> Self {
        let mut places = Self::default();
        let Ok(file) = others::open(path) else { return places };
        let mut lines = BufReader::new(file.take(HEAD));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            places.learn(&line, repositories);
            line.clear();
        }
        places
    }

    /// Learns where a session began, if this line is the first to say so.
    pub fn learn(&mut self, line: &[u8], repositories: &mut Repositories) {
        if self.cwd.find(line).is_none() {
            return;
        }
        // Most lines are of the session that the line before was of.
        let is_of_last = self.last.as_ref().is_some_and(|last| last.find(line).is_some());
        if is_of_last && self.forked.find(line).is_none() {
            return;
        }
        let Some((session, directory)) = directory(line) else { return };
        self.last = (!session.is_empty()).then(|| Finder::new(&format!("\"{session}\"")).into_owned());
        let says_nothing_new = session.is_empty() && !self.known.is_empty();
        if !says_nothing_new
            && self.known.len() < SESSIONS_MAX
            && !self.known.iter().any(|(known, _)| *known == session)
        {
            self.add(session, &directory, repositories);
        }
    }

    fn add(&mut self, session: String, directory: &str, repositories: &mut Repositories) {
        let place = Place { project: directory.into(), repository: repositories.root(directory) };
        self.known.push((session, place));
    }

    /// Where its own lines have said so far that a session began.
    #[must_use]
    pub fn own(&self, session: &str) -> Option<&Place> {
        if session.is_empty() {
            return self.known.first().map(|(_, place)| place);
        }
        self.known.iter().find(|(known, _)| known == session).map(|(_, place)| place)
    }

    /// The same once the whole file has been read: where none of its lines said so, where the file began.
    #[must_use]
    pub fn of(&self, session: &str) -> Option<&Place> {
        self.own(session).or(self.known.first().map(|(_, place)| place))
    }

    /// To be remembered.
    #[must_use]
    pub fn begun(&self) -> Vec<(String, String)> {
        self.known.iter().map(|(session, place)| (session.clone(), place.project.to_string())).collect()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
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

/// The session and the directory that a line names, if it is an object that names a directory; a line of no session names
/// an empty one.
#[must_use]
pub fn directory(line: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Directory<'a> {
        #[serde(borrow, default)]
        cwd: Text<'a>,
        #[serde(borrow, default, rename = "sessionId")]
        session_id: Text<'a>,
    }
    let text = shallow(simdutf8::basic::from_utf8(trimmed(line)).ok()?).ok()?;
    let named: Directory<'_> = sonic_rs::from_str(&text).ok()?;
    let directory = named.cwd.get().filter(|cwd| !cwd.is_empty())?;
    let directory = &directory[..directory.floor_char_boundary(DIRECTORY_MAX)];
    Some((named.session_id.name().unwrap_or_default().to_owned(), directory.to_owned()))
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
