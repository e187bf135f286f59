//! Asking a running supervisor where milliseconds count: one request at the socket in the data
//! directory, by a deadline, and with no more rights than an agent has.
//!
//! [`super::remote::Remote`] sets up TLS, a pool and a runtime, which takes longer than what is asked for here. Like it, this
//! believes only the supervisor itself: `{}` says that work may go on, and anybody can say that who has taken the socket's place.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::paths::{SOCKET_FILE, socket_in};
use crate::domain::access::Kind;
use crate::domain::tenant::HEADER;
use crate::service::runtime::place::Place;

use super::remote::AS;
use super::server_file::{End, ServerFile};

/// No answer that is asked for here is longer, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;
/// A supervisor that is busy is asked again after this.
const AGAIN: Duration = Duration::from_millis(5);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeanError {
    /// Nobody listens.
    #[error("Mecris is not running; start it with `mecris run`")]
    NotRunning,
    /// It took too long.
    #[error("Mecris did not answer within {0} ms")]
    Late(u128),
    /// It said something else.
    #[error("Mecris answered with status {0}; `mecris doctor` tells more")]
    Refused(u16),
    /// What listens there is something else, or another process than the one that holds the data directory.
    #[error(
        "what listens at {0} is no Mecris, or not the one that holds this directory; start `mecris run` again"
    )]
    Strange(String),
}

/// Posts JSON to a tenant of the supervisor that holds a data directory, and returns the body of its answer.
///
/// # Errors
/// [`LeanError`].
pub fn post(place: &Place, path: &str, body: &[u8], within: Duration) -> Result<Vec<u8>, LeanError> {
    let data_dir = &place.root;
    let deadline = Instant::now() + within;
    // A supervisor that was killed leaves its socket: nobody answers at it. One that never was there leaves none.
    let (socket, _open) = socket_in(data_dir).map_err(|_| LeanError::NotRunning)?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{AS}: {}\r\n{HEADER}: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        Kind::Agent.word(),
        place.tenant,
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    let strange = || LeanError::Strange(data_dir.join(SOCKET_FILE).display().to_string());
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => LeanError::NotRunning,
        ErrorKind::WouldBlock | ErrorKind::TimedOut => LeanError::Late(within.as_millis()),
        _ => strange(),
    };
    loop {
        let end = match End::connect(&socket) {
            // Too many wait to be let in.
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() + AGAIN < deadline => {
                std::thread::sleep(AGAIN);
                continue;
            }
            end => end.map_err(failed)?,
        };
        if !is_the_supervisor(&end, data_dir) {
            return Err(strange());
        }
        let answer = exchange(end.stream, &request, deadline).map_err(failed)?;
        match parse(&answer) {
            Some((200, body)) => return Ok(body.to_vec()),
            // Too much at once: nothing was done.
            Some((429, _)) if Instant::now() + AGAIN < deadline => std::thread::sleep(AGAIN),
            Some((429, _)) => return Err(LeanError::Late(within.as_millis())),
            Some((status, _)) => return Err(LeanError::Refused(status)),
            None => return Err(strange()),
        }
    }
}

/// What is left; a timeout of nothing would be none.
fn left(deadline: Instant) -> std::io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Whether the process that listens is the one that `server.json` names, and holds the directory.
fn is_the_supervisor(end: &End, data_dir: &Path) -> bool {
    ServerFile::read(data_dir).is_some_and(|server| server.is(end) && server.holds(data_dir))
}

fn exchange(mut stream: UnixStream, request: &[u8], deadline: Instant) -> std::io::Result<Vec<u8>> {
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request)?;
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    // Each read has what is left of the time: an answer that drips is late too.
    while (answer.len() as u64) < ANSWER_MAX {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let read = match stream.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..read]);
        if is_whole(&answer) {
            break;
        }
    }
    Ok(answer)
}

/// The end of the head, and the length of the body, where an answer has both.
fn measure(answer: &[u8]) -> Option<(usize, Option<usize>)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Some((end, length.next().and_then(|(_, value)| value.trim().parse().ok())))
}

pub(crate) fn is_whole(answer: &[u8]) -> bool {
    matches!(measure(answer), Some((end, Some(length))) if end.checked_add(length).is_some_and(|all| answer.len() >= all))
}

/// The status and the body of a whole answer.
pub(crate) fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    let (end, length) = measure(answer)?;
    let status =
        std::str::from_utf8(&answer[..end]).ok()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let body = answer.get(end..end.checked_add(length?)?)?;
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_is_one() {
        let cases = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Some((200, "{}"))),
            ("HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", Some((429, ""))),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", None),
            ("HTTP/1.1 200 OK\r\n\r\n{}", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None),
            ("SSH-2.0-OpenSSH\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n{}", None),
            ("", None),
        ];
        for (answer, expected) in cases {
            let expected = expected.map(|(status, body)| (status, body.as_bytes()));
            assert_eq!(parse(answer.as_bytes()), expected, "{answer}");
            assert_eq!(is_whole(answer.as_bytes()), expected.is_some(), "{answer}");
        }
    }
}
