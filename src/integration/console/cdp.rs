//! The Chrome DevTools Protocol over the browser's own pipe: the dozen commands and two events that a reading needs.
//!
//! ```text
//! call ──▶ queue ──▶ writer ──▶ its fd 3 ─┐
//!                                       browser        messages are JSON, each ended by a NUL byte
//! call ◀── waiting ◀── reader ◀── its fd 4 ┘
//!                        └──▶ the page's ear (events)
//! ```
//!
//! A pipe has no address: only the two processes that hold its ends can use it, where a debugging port would serve every
//! user of the machine. What comes is the browser's word, and a page chooses much of it. So a message has a largest size and
//! depth, only what is asked for is taken out of it, and every command has its deadline. The end of the pipe, or anything
//! that is no message, ends the client: whoever waits hears why. No error holds a word of what came.
//!
//! <https://chromedevtools.github.io/devtools-protocol/>; the pipe is described in Chromium's
//! `content/browser/devtools/devtools_pipe_handler.h`.

pub mod commands;
mod frames;
mod page;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::domain::depth;

use commands::Command;
use frames::{Broken, Frames};

pub use commands::Event;
pub use page::Page;

/// No message that a reading asks for comes near it, in bytes: a picture of the window has some hundred KiB, and bodies are
/// held in the browser up to [`commands::BODY_KEPT`], which escapes may make six times as long.
pub const MESSAGE_MAX: usize = 16 << 20;
/// A browser that works answers within milliseconds, one on a busy machine within a second or two.
const ANSWER: Duration = Duration::from_secs(10);
/// So many commands wait to be written. A reading has two or three at a time.
const QUEUE: usize = 16;

/// Why a command has no answer. The text says what the browser did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CdpError {
    /// No answer in time.
    #[error("did not answer {method} within {} ms", .within.as_millis())]
    Silent {
        /// The command.
        method: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// The browser has ended, or it was ended.
    #[error("closed its pipe; {asked} was the last that it was asked for")]
    Closed {
        /// The last command.
        asked: &'static str,
    },
    /// The same, with half a message said.
    #[error("closed its pipe in the middle of a message; {asked} was the last that it was asked for")]
    Cut {
        /// The last command.
        asked: &'static str,
    },
    /// A message without end.
    #[error("sent a message of more than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// A message that a parser would need much stack for.
    #[error("sent a message that is nested deeper than {} levels", depth::DEPTH_MAX)]
    TooDeep,
    /// Not JSON, or neither an answer nor an event.
    #[error("sent what is no message of its protocol")]
    Garbage,
    /// An answer of another form than the command's.
    #[error("answered {method} in a form that is not known")]
    Form {
        /// The command.
        method: &'static str,
    },
    /// The browser's own error; its words may be a page's and are left out.
    #[error("refused {method} (code {code})")]
    Refused {
        /// The command.
        method: &'static str,
        /// The protocol's number for the reason.
        code: i64,
    },
}

/// What hears events of one session. It runs within the reader: it must not wait.
type Subscriber = Box<dyn FnMut(Event) + Send>;

/// Gives commands to a browser; cheap to clone.
#[derive(Clone)]
pub struct Client {
    queue: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

/// Reads and writes while it lives.
pub struct Tasks([JoinHandle<()>; 2]);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

struct Shared {
    state: Mutex<State>,
    /// Why nothing comes any more.
    ended: watch::Sender<Option<CdpError>>,
}

struct State {
    last_id: u64,
    last_asked: &'static str,
    waiting: HashMap<u64, oneshot::Sender<Vec<u8>>>,
    ear: Option<(String, Subscriber)>,
}

/// A command on its way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a, C> {
    id: u64,
    method: &'static str,
    params: &'a C,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
}

/// What tells an answer from an event. The rest of a message is passed over without a copy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: Option<u64>,
    method: Option<String>,
    session_id: Option<String>,
}

#[derive(Deserialize)]
struct Answer<A> {
    result: Option<A>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: i64,
}

/// A call that is given up is forgotten; its answer, if it comes, is passed over.
struct Waits<'a> {
    shared: &'a Shared,
    id: u64,
    answer: oneshot::Receiver<Vec<u8>>,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.id);
    }
}

impl Client {
    /// Begins to read what a browser says and to write what it is asked for.
    pub fn start(
        says: impl AsyncRead + Unpin + Send + 'static,
        hears: impl AsyncWrite + Unpin + Send + 'static,
    ) -> (Self, Tasks) {
        let (queue, queued) = mpsc::channel(QUEUE);
        let state = State { last_id: 0, last_asked: "nothing", waiting: HashMap::new(), ear: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), ended: watch::Sender::new(None) });
        let reader = tokio::spawn(read_all(Frames::new(says, MESSAGE_MAX), shared.clone()));
        let writer = tokio::spawn(write_all(hears, queued, shared.clone()));
        (Self { queue, shared }, Tasks([reader, writer]))
    }

    /// Gives a command and waits for its answer, for at most ten seconds.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn call<C: Command>(&self, session: Option<&str>, command: &C) -> Result<C::Answer, CdpError> {
        self.call_within(ANSWER, session, command).await
    }

    /// The same, with a deadline of its own.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn call_within<C: Command>(
        &self,
        within: Duration,
        session: Option<&str>,
        command: &C,
    ) -> Result<C::Answer, CdpError> {
        let method = C::METHOD;
        let mut waits = self.shared.wait_for(method)?;
        let sent = Sent { id: waits.id, method, params: command, session_id: session };
        // JSON writes a NUL byte within a text as an escape: the one at the end is the only one.
        let mut text = serde_json::to_vec(&sent).map_err(|_| CdpError::Form { method })?;
        text.push(0);
        // Written by a task of its own: a call that is given up must not leave half a message behind.
        let asked = async {
            self.queue.send(text).await.ok()?;
            (&mut waits.answer).await.ok()
        };
        let answered = tokio::time::timeout(within, asked).await;
        let message = answered.map_err(|_| CdpError::Silent { method, within })?;
        let message = message.ok_or_else(|| self.shared.why_ended())?;
        if message.len() > C::ANSWER_MAX {
            return Err(CdpError::TooLong { max: C::ANSWER_MAX });
        }
        let answer: Answer<C::Answer> =
            serde_json::from_slice(&message).map_err(|_| CdpError::Form { method })?;
        match (answer.result, answer.error) {
            (_, Some(fault)) => Err(CdpError::Refused { method, code: fault.code }),
            (Some(result), None) => Ok(result),
            (None, None) => Err(CdpError::Form { method }),
        }
    }

    /// Waits until nothing comes any more, and says why.
    pub async fn ended(&self) -> CdpError {
        let mut ended = self.shared.ended.subscribe();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| *why);
        why.unwrap_or_else(|| self.shared.why_ended())
    }

    /// From now on this hears the events of a session, instead of what heard them before.
    fn hear(&self, session: &str, ear: impl FnMut(Event) + Send + 'static) {
        self.shared.state().ear = Some((session.to_owned(), Box::new(ear)));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, method: &'static str) -> Result<Waits<'_>, CdpError> {
        let mut state = self.state();
        // Under the lock under which it ends: no call is left to wait after that.
        if let Some(why) = *self.ended.borrow() {
            return Err(why);
        }
        let (tell, answer) = oneshot::channel();
        state.last_id += 1;
        state.last_asked = method;
        let id = state.last_id;
        state.waiting.insert(id, tell);
        Ok(Waits { shared: self, id, answer })
    }

    fn why_ended(&self) -> CdpError {
        let why = *self.ended.borrow();
        why.unwrap_or_else(|| CdpError::Closed { asked: self.state().last_asked })
    }

    /// Nothing comes any more. The first reason is the one that is told.
    fn end(&self, why: impl FnOnce(&'static str) -> CdpError) {
        let mut state = self.state();
        let why = why(state.last_asked);
        if self.ended.borrow().is_none() {
            self.ended.send_replace(Some(why));
        }
        state.waiting.clear();
        state.ear = None;
    }

    /// Brings a message to whom it is for.
    fn take(&self, message: Vec<u8>) -> Result<(), CdpError> {
        let head = head_of(&message)?;
        match (head.id, head.method) {
            (Some(id), _) => {
                let waiting = self.state().waiting.remove(&id);
                // Nobody waits for the answer to a call that was given up.
                if let Some(tell) = waiting {
                    let _ = tell.send(message);
                }
            }
            (None, Some(method)) => {
                let mut state = self.state();
                let Some((session, ear)) = &mut state.ear else { return Ok(()) };
                if head.session_id.as_ref() == Some(session)
                    && let Some(event) = Event::read(&method, &message)
                {
                    ear(event);
                }
            }
            (None, None) => return Err(CdpError::Garbage),
        }
        Ok(())
    }
}

/// What a message says of whom it is for.
fn head_of(message: &[u8]) -> Result<Head, CdpError> {
    depth::json(message).map_err(|_| CdpError::TooDeep)?;
    serde_json::from_slice(message).map_err(|_| CdpError::Garbage)
}

/// Reads a message as it is read before anybody gets it: for the fuzzer. Whether it is one, and whether it is an event of ours.
///
/// # Errors
/// As in a conversation: too deep, or no message.
pub(crate) fn read_alone(message: &[u8]) -> Result<bool, CdpError> {
    let head = head_of(message)?;
    Ok(head.method.is_some_and(|method| Event::read(&method, message).is_some()))
}

async fn read_all<R: AsyncRead + Unpin>(mut frames: Frames<R>, shared: Arc<Shared>) {
    loop {
        let taken = match frames.next().await {
            Ok(message) => shared.take(message),
            Err(Broken::Ended) => return shared.end(|asked| CdpError::Closed { asked }),
            Err(Broken::Cut) => return shared.end(|asked| CdpError::Cut { asked }),
            Err(Broken::TooLong) => Err(CdpError::TooLong { max: MESSAGE_MAX }),
        };
        if let Err(why) = taken {
            return shared.end(|_| why);
        }
    }
}

async fn write_all(
    mut hears: impl AsyncWrite + Unpin,
    mut queued: mpsc::Receiver<Vec<u8>>,
    shared: Arc<Shared>,
) {
    while let Some(message) = queued.recv().await {
        if hears.write_all(&message).await.is_err() || hears.flush().await.is_err() {
            return shared.end(|asked| CdpError::Closed { asked });
        }
    }
}

#[cfg(test)]
mod tests;
