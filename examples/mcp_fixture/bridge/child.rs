//! The program at the other end, and who waits for what it says.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A request under way.
struct Waiting {
    /// Its id towards the program: clients that know nothing of each other may use the same.
    number: u64,
    /// Its id towards the client.
    id: Value,
    progress: Value,
    to: UnboundedSender<Value>,
}

#[derive(Default)]
struct Board {
    last: u64,
    waiting: Vec<Waiting>,
    /// Whoever listens to what belongs to no request.
    unasked: Option<UnboundedSender<Value>>,
    ended: bool,
}

/// A running program. It is killed when nobody holds it any more.
pub struct Child {
    input: UnboundedSender<Value>,
    board: Arc<Mutex<Board>>,
    _process: tokio::process::Child,
}

/// What the program answers to one request.
pub struct Answers {
    from: UnboundedReceiver<Value>,
    child: Arc<Child>,
    /// The request that is called off when its client goes away.
    cancels: Option<u64>,
}

impl Answers {
    /// The next message. There is none after the answer.
    pub async fn next(&mut self) -> Option<Value> {
        self.from.recv().await
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let Some(number) = self.cancels else { return };
        let mut board = self.child.board.lock().unwrap();
        if let Some(at) = board.waiting.iter().position(|waiting| waiting.number == number) {
            board.waiting.remove(at);
            self.child.tell(json!({
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": number },
            }));
        }
    }
}

impl Child {
    /// Starts a program.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn start(program: &[String]) -> std::io::Result<Arc<Self>> {
        let mut process = Command::new(&program[0])
            .args(&program[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(std::io::Error::other("the program has no standard input and output"));
        };
        let (input, mut lines) = unbounded_channel::<Value>();
        tokio::spawn(async move {
            while let Some(message) = lines.recv().await {
                if stdin.write_all(format!("{message}\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        let board = Arc::new(Mutex::new(Board::default()));
        tokio::spawn(read(stdout, board.clone()));
        Ok(Arc::new(Self { input, board, _process: process }))
    }

    /// Whether it will say nothing more.
    pub fn has_ended(&self) -> bool {
        self.board.lock().unwrap().ended
    }

    /// Passes on what has no answer.
    pub fn tell(&self, message: Value) {
        // Where the program has ended, those who wait are told.
        let _ = self.input.send(message);
    }

    /// Passes on a request; where `cancels`, it ends with whoever reads the answers.
    pub fn ask(self: &Arc<Self>, mut message: Value, cancels: bool) -> Answers {
        let (to, from) = unbounded_channel();
        let mut board = self.board.lock().unwrap();
        board.last += 1;
        let number = board.last;
        let progress = message["params"]["_meta"]["progressToken"].clone();
        if !board.ended {
            board.waiting.push(Waiting { number, id: message["id"].clone(), progress, to });
        }
        message["id"] = json!(number);
        drop(board);
        self.tell(message);
        Answers { from, child: self.clone(), cancels: cancels.then_some(number) }
    }

    /// What belongs to no request.
    pub fn unasked(self: &Arc<Self>) -> Answers {
        let (to, from) = unbounded_channel();
        self.board.lock().unwrap().unasked = Some(to);
        Answers { from, child: self.clone(), cancels: None }
    }
}

async fn read(stdout: ChildStdout, board: Arc<Mutex<Board>>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(message) => board.lock().unwrap().hand_out(message),
            Err(error) => eprintln!("this is not a message ({error}): {line}"),
        }
    }
    let mut board = board.lock().unwrap();
    board.ended = true;
    board.waiting.clear();
    board.unasked = None;
}

impl Board {
    fn hand_out(&mut self, mut message: Value) {
        if message["method"].is_null() {
            let answered = self.waiting.iter().position(|waiting| message["id"] == waiting.number);
            if let Some(at) = answered {
                let waiting = self.waiting.remove(at);
                restore(&mut message, &waiting);
                let _ = waiting.to.send(message);
            } else {
                eprintln!("nobody waits for this: {message}");
            }
            return;
        }
        // What names no request belongs, over this transport, to the one that has waited longest.
        let params = &message["params"];
        let (token, subscription) = (&params["progressToken"], &params["_meta"][SUBSCRIPTION]);
        let whose = if token.is_null() && subscription.is_null() {
            self.waiting.first()
        } else {
            self.waiting.iter().find(|waiting| {
                (!token.is_null() && waiting.progress == *token) || *subscription == waiting.number
            })
        };
        let to = whose.map(|waiting| {
            restore(&mut message, waiting);
            &waiting.to
        });
        if let Some(to) = to.or(self.unasked.as_ref()) {
            let _ = to.send(message);
        }
    }
}

/// Puts the client's own id back.
fn restore(message: &mut Value, waiting: &Waiting) {
    if message["method"].is_null() {
        message["id"] = waiting.id.clone();
    }
    for part in ["params", "result"] {
        if let Some(subscription) =
            message.get_mut(part).and_then(|part| part.get_mut("_meta")?.get_mut(SUBSCRIPTION))
        {
            *subscription = waiting.id.clone();
        }
    }
}
