//! Stands before a server and spoils what passes, on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the server behind answers.
    None,
    /// Nobody listens.
    Refused,
    /// The request is taken and never answered.
    Silent,
    /// The answer comes a byte at a time, and never ends.
    Drip,
    /// The connection is cut off in the middle of the request's answer.
    Reset,
    /// This status and nothing else of note.
    Status(u16),
    /// 429 with this `Retry-After` in seconds.
    Later(u64),
    /// 503 with a page of HTML.
    Html,
    /// JSON that ends in the middle.
    Truncated,
    /// JSON of quite another shape.
    WrongTypes,
    /// 200 with nothing.
    Empty,
    /// 100 MB of JSON.
    Huge,
    /// JSON that is nested fifteen thousand levels deep, where nobody looks.
    Nested,
    /// To another host.
    Redirect,
    /// Every other request fails with 500.
    Flapping,
    /// The server behind does what it is asked, and its answer is lost.
    AnswerLost,
}

/// The address of the one who must not be asked.
pub const ELSEWHERE: &str = "http://elsewhere.example:9/stolen";

/// See the module.
#[derive(Clone)]
pub struct Front {
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
    shared: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    connections: AtomicUsize,
    opened: AtomicUsize,
    sent: AtomicU64,
}

impl Front {
    pub async fn new(behind: SocketAddr) -> (Self, impl Future<Output = ()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Self {
            address: listener.local_addr().unwrap(),
            fault: watch::Sender::new(Fault::None),
            shared: Arc::default(),
        };
        let work = front.clone().listen(listener, behind);
        (front, work)
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on; connections that are open are cut off.
    pub fn fault(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// The same, and waits until clients in this runtime have seen that their idle connections are gone: a
    /// request on one of those would fail without having been sent.
    pub async fn fault_afresh(&self, fault: Fault) {
        self.fault(fault);
        while self.connections() > 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    /// How many requests have come in, answered or not.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub fn opened(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    /// How many bytes of made-up answers were taken from us.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    async fn listen(self, listener: TcpListener, behind: SocketAddr) {
        let mut fault = self.fault.subscribe();
        let mut listener = Some(listener);
        loop {
            if *fault.borrow_and_update() == Fault::Refused {
                listener = None;
                if fault.wait_for(|fault| *fault != Fault::Refused).await.is_err() {
                    return;
                }
            }
            let open = listener.take().unwrap_or_else(|| {
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_reuseaddr(true).unwrap();
                socket.bind(self.address).unwrap();
                socket.listen(64).unwrap()
            });
            tokio::select! {
                accepted = open.accept() => {
                    if let Ok((stream, _)) = accepted {
                        tokio::spawn(self.clone().connection(stream, behind));
                    }
                    listener = Some(open);
                }
                changed = fault.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    listener = Some(open);
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, behind: SocketAddr) {
        self.shared.connections.fetch_add(1, Ordering::SeqCst);
        self.shared.opened.fetch_add(1, Ordering::SeqCst);
        let mut changes = self.fault.subscribe();
        let fault = *changes.borrow_and_update();
        tokio::select! {
            _ = self.exchange(stream, behind, fault) => {}
            _ = changes.changed() => {}
        }
        self.shared.connections.fetch_sub(1, Ordering::SeqCst);
    }

    /// One connection: request after request where nothing is wrong, one request otherwise.
    async fn exchange(&self, mut stream: TcpStream, behind: SocketAddr, fault: Fault) -> Option<()> {
        loop {
            let request = read_request(&mut stream).await?;
            let number = self.shared.requests.fetch_add(1, Ordering::SeqCst);
            let fault = match fault {
                Fault::Flapping if number.is_multiple_of(2) => Fault::Status(500),
                Fault::Flapping => Fault::None,
                other => other,
            };
            match fault {
                Fault::None | Fault::Flapping | Fault::AnswerLost => {
                    let answer = pass_on(behind, &request).await?;
                    if fault == Fault::AnswerLost {
                        return None;
                    }
                    stream.write_all(&answer).await.ok()?;
                }
                other => return self.spoil(stream, other).await,
            }
        }
    }

    async fn spoil(&self, mut stream: TcpStream, fault: Fault) -> Option<()> {
        let json = |body: &str| answer(200, &[], body);
        let bytes = match fault {
            Fault::Silent | Fault::Refused => std::future::pending().await,
            Fault::Reset => {
                let begun = &json("{\"data\":[1,2,3]}")[..60];
                stream.write_all(begun).await.ok()?;
                // Unread bytes or not, an abortive close is what a crashed proxy looks like.
                stream.set_zero_linger().ok()?;
                return None;
            }
            Fault::Status(status) => answer(status, &[], "{\"error\":\"as you wished\"}"),
            Fault::Later(seconds) => answer(429, &[("retry-after", &seconds.to_string())], "{}"),
            Fault::Html => answer(503, &[("content-type", "text/html")], "<!DOCTYPE html><p>down"),
            Fault::Truncated => json("{\"data\":[{\"id\":\"mod"),
            Fault::WrongTypes => json("[[1,\"two\",{\"three\":null}],7]"),
            Fault::Empty => json(""),
            Fault::Nested => json(&format!("{{\"x\":{}{}}}", "[".repeat(15_000), "]".repeat(15_000))),
            Fault::Redirect => answer(302, &[("location", ELSEWHERE)], ""),
            Fault::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[").await.ok()?;
                loop {
                    stream.write_all(b" ").await.ok()?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Fault::Huge => {
                // Without its length, so that only reading can tell.
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[").await.ok()?;
                let chunk = "1234567,".repeat(8 * 1024);
                for _ in 0..100_000_000 / chunk.len() {
                    stream.write_all(chunk.as_bytes()).await.ok()?;
                    self.shared.sent.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                }
                return None;
            }
            Fault::None | Fault::Flapping | Fault::AnswerLost => unreachable!("these pass"),
        };
        stream.write_all(&bytes).await.ok()?;
        stream.shutdown().await.ok()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        text += "content-type: application/json\r\n";
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    format!("{text}\r\n{body}").into_bytes()
}

/// Reads a request, its body included (by `content-length`, as every client here sends it).
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if request.len() >= end + 4 + length {
                return Some(request);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Passes a request on to the server behind, on a connection of its own, and brings the whole answer.
async fn pass_on(behind: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(behind).await.ok()?;
    let end = request.windows(2).position(|window| window == b"\r\n")? + 2;
    stream.write_all(&request[..end]).await.ok()?;
    stream.write_all(b"connection: close\r\n").await.ok()?;
    stream.write_all(&request[end..]).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    // The client may keep its connection to us.
    let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..head_end]).into_owned();
    let kept: Vec<&str> =
        head.split("\r\n").filter(|line| !line.eq_ignore_ascii_case("connection: close")).collect();
    let mut whole = kept.join("\r\n").into_bytes();
    whole.extend_from_slice(&answer[head_end..]);
    Some(whole)
}
