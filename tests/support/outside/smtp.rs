//! A mail server (RFC 5321) without TLS: it wants a login, keeps what it takes, and fails on command.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::Shared;

pub const USER: &str = "ada";
pub const PASSWORD: &str = "marked secret password";

/// What comes in place of the usual reply.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This line.
    Say(&'static str),
    /// The connection is cut off.
    Cut,
    /// Nothing, for ever.
    Silent,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and text, as they came.
    pub data: String,
}

/// What the server knows, and how it is to behave.
#[derive(Debug, Default)]
pub struct World {
    /// The oldest first.
    pub mails: Vec<Mail>,
    /// By the command: `GREETING`, `EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, and `DOT` for the end of the text. With
    /// `Cut` and `Silent` at `DOT` the mail is taken all the same: only the answer is lost.
    pub replies: BTreeMap<&'static str, Reply>,
    /// Whether mail is taken without a login.
    pub is_open: bool,
    /// How many connections there were.
    pub connections: usize,
}

#[derive(Clone)]
pub struct Smtp {
    pub address: SocketAddr,
    pub world: Shared<World>,
}

impl Smtp {
    /// On a thread of its own.
    pub fn start() -> Self {
        let world = Shared::new(World::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let shared = world.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    shared.lock().connections += 1;
                    tokio::spawn(Talk::new(stream, shared.clone()).run());
                }
            });
        });
        Self { address: receiver.recv().unwrap(), world }
    }

    /// From now on; `None` is the usual reply again.
    pub fn reply(&self, command: &'static str, reply: Option<Reply>) {
        let mut world = self.world.lock();
        match reply {
            Some(reply) => world.replies.insert(command, reply),
            None => world.replies.remove(command),
        };
    }
}

/// One connection.
struct Talk {
    stream: BufReader<TcpStream>,
    world: Shared<World>,
    is_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

fn decoded(text: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What stands between the brackets.
fn address(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("", |(inside, _)| inside)
        .to_owned()
}

impl Talk {
    fn new(stream: TcpStream, world: Shared<World>) -> Self {
        let is_in = world.lock().is_open;
        Self { stream: BufReader::new(stream), world, is_in, from: None, to: Vec::new() }
    }

    async fn run(mut self) -> Option<()> {
        self.say("GREETING", "220 mail.example ESMTP").await?;
        loop {
            let line = self.line().await?;
            let command = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match command.as_str() {
                "EHLO" => {
                    self.say("EHLO", "250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await?;
                }
                "AUTH" => self.login(&line).await?,
                "MAIL" if !self.is_in => self.say("MAIL", "530 5.7.0 Authentication required").await?,
                "MAIL" => {
                    self.from = Some(address(&line));
                    self.say("MAIL", "250 2.1.0 Ok").await?;
                }
                "RCPT" if self.from.is_some() => {
                    self.to.push(address(&line));
                    self.say("RCPT", "250 2.1.5 Ok").await?;
                }
                "DATA" if !self.to.is_empty() => self.data().await?,
                "QUIT" => {
                    self.say("QUIT", "221 2.0.0 Bye").await?;
                    return None;
                }
                _ => self.say("", "503 5.5.1 Bad sequence of commands").await?,
            }
        }
    }

    /// A line without its end, which must be CR LF.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.ok()?;
        let line = String::from_utf8(line).expect("a line that is no text");
        if line.is_empty() {
            return None;
        }
        assert!(line.len() <= 1_000, "a line that is too long (RFC 5321, section 4.5.3.1.6)");
        Some(line.strip_suffix("\r\n").expect("a line without CR LF").to_owned())
    }

    async fn say(&mut self, command: &str, usual: &str) -> Option<()> {
        let reply = self.world.lock().replies.get(command).cloned();
        let text = match &reply {
            None => usual,
            Some(Reply::Say(text)) => text,
            Some(Reply::Cut) => return None,
            Some(Reply::Silent) => std::future::pending().await,
        };
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()
    }

    async fn login(&mut self, line: &str) -> Option<()> {
        let said = if let Some(initial) = line.strip_prefix("AUTH PLAIN ") {
            decoded(initial).trim_start_matches('\0').to_owned()
        } else {
            let mut parts = Vec::new();
            for prompt in ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] {
                self.say("PROMPT", &format!("334 {prompt}")).await?;
                parts.push(decoded(&self.line().await?));
            }
            parts.join("\0")
        };
        self.is_in = said == format!("{USER}\0{PASSWORD}");
        let usual = if self.is_in { "235 2.7.0 Ok" } else { "535 5.7.8 Authentication failed for marked" };
        self.say("AUTH", usual).await
    }

    async fn data(&mut self) -> Option<()> {
        self.say("DATA", "354 Go ahead").await?;
        if matches!(self.world.lock().replies.get("DATA"), Some(Reply::Say(_))) {
            return Some(());
        }
        let mut data = String::new();
        loop {
            match self.line().await?.as_str() {
                "." => break,
                line => data += &format!("{}\n", line.strip_prefix('.').unwrap_or(line)),
            }
        }
        {
            let mut world = self.world.lock();
            if !matches!(world.replies.get("DOT"), Some(Reply::Say(text)) if !text.starts_with('2')) {
                let from = self.from.take().unwrap_or_default();
                world.mails.push(Mail { from, to: std::mem::take(&mut self.to), data });
            }
        }
        self.say("DOT", "250 2.0.0 Ok: queued").await
    }
}
