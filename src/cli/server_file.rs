//! Whose data directory it is at this moment: what its supervisor wrote down, and whether that still holds.
//!
//! A file that a supervisor left says nothing: its process may have ended, and its id and its socket's name may be somebody
//! else's. So three things must agree: the process that the file names is alive, the directory's lock is held, and the kernel
//! says that this process is the one that listens at the socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::log;

/// The name of [`ServerFile`] in the data directory.
pub const SERVER_FILE: &str = "server.json";

/// Where a supervisor that holds the data directory listens; the file `server.json` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// `http://127.0.0.1:7787`
    pub url: String,
    /// Its process id.
    pub pid: u32,
}

impl ServerFile {
    /// What a data directory says of its supervisor, which may have ended since.
    pub(super) fn read(data_dir: &Path) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(data_dir.join(SERVER_FILE)).ok()?).ok()
    }

    /// Whether it runs and holds the data directory, at this moment.
    pub(super) fn holds(&self, data_dir: &Path) -> bool {
        self.is_alive() && log::is_held(data_dir)
    }

    /// Whether it is the process that listens at the other end of a connection.
    pub(super) fn is(&self, end: &End) -> bool {
        end.listener.is_some_and(|pid| u32::try_from(pid) == Ok(self.pid))
    }

    fn is_alive(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // Another person's process is one too.
        pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
    }
}

/// A connection to a socket, and who listened for it.
pub(super) struct End {
    /// The connection.
    pub stream: UnixStream,
    /// The process that listened, as the kernel knows it (`SO_PEERCRED`; on macOS `LOCAL_PEERPID`).
    listener: Option<i32>,
}

impl End {
    /// Connects. Whoever listens and takes nobody in, until the kernel's queue is full, is answered with
    /// [`io::ErrorKind::WouldBlock`]: nothing is waited for.
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        // The standard library neither connects without waiting nor says who is there; tokio does, within a runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let stream = runtime.block_on(tokio::net::UnixStream::connect(socket))?;
        let listener = stream.peer_cred()?.pid();
        let stream = {
            let _inside = runtime.enter();
            stream.into_std()?
        };
        stream.set_nonblocking(false)?;
        Ok(Self { stream, listener })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_kernel_says_who_listens() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("socket");
        let _listener = UnixListener::bind(&at).unwrap();
        let end = End::connect(&at).unwrap();
        let server = |pid| ServerFile { url: String::new(), pid };
        assert!(server(std::process::id()).is(&end));
        for other in [0, 1, std::process::id() + 1, u32::MAX] {
            assert!(!server(other).is(&end), "{other}");
        }
        // Alive and behind the socket, and without the directory's lock.
        assert!(server(std::process::id()).is_alive() && !server(std::process::id()).holds(dir.path()));
    }
}
