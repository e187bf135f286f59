//! The socket in the data directory: the way in for the owner's own processes, without a token on any wire.
//!
//! It lies in a directory that nobody else may enter, has mode 0600, and the kernel says whose process connects
//! (`SO_PEERCRED`): only our own user's and root's get an answer. Nobody can take its place, as somebody can take a port
//! that a supervisor has left.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};

use crate::config::paths::{SOCKET_FILE, socket_in};

use super::peer::Peer;

/// Listens. Called by whoever holds the log's lock, so that a socket that is there was left by one that has ended.
///
/// # Errors
/// Something else is in its place; what the system said.
pub fn bind(dir: &Path) -> io::Result<Own> {
    let (path, _open) = socket_in(dir)?;
    match std::fs::symlink_metadata(&path) {
        Ok(left) if left.file_type().is_socket() => std::fs::remove_file(&path)?,
        Ok(_) => {
            let path = dir.join(SOCKET_FILE);
            return Err(io::Error::other(format!("{} is no socket; remove it", path.display())));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Its mode follows the process's umask, which is closed to others (`files::close_umask`).
    Ok(Own(UnixListener::bind(path)?))
}

/// A listener that takes our own processes' connections, and drops all others.
pub struct Own(UnixListener);

impl Own {
    /// The next of them, and whose it is.
    pub(super) async fn accept(&self) -> io::Result<(UnixStream, u32)> {
        loop {
            let (stream, _) = self.0.accept().await?;
            match stream.peer_cred().map(|peer| peer.uid()) {
                Ok(uid) if (Peer::Unix { uid }).is_own() => return Ok((stream, uid)),
                _ => tracing::warn!("a process of another user came to the socket, and was not answered"),
            }
        }
    }
}
