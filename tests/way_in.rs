//! Connections that are there to be in the way: silent, slow, many. Health answers all the while, and all recovers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::program::{Home, Running};

/// A supervisor that may open few files, so that few connections are many.
fn start(home: &Home, files: u32) -> (Child, SocketAddr) {
    let program = home.command(&["run", "--listen", "127.0.0.1:0"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
    shell.arg(program.get_program()).args(program.get_args()).env_clear();
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().unwrap().contains("Listening on")).unwrap().unwrap();
    let (_, rest) = line.split_once("http://").unwrap();
    let address = rest.split(' ').next().unwrap().parse().unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// One request on a connection of its own: the status, and how long it took.
fn ask(address: SocketAddr, path: &str) -> Option<(u16, Duration)> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some((answer.get(9..12)?.parse().ok()?, begun.elapsed()))
}

fn resident_kib(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Attacks from two threads until told to stop; each begins a connection with `begin` every `pause`, and keeps the newest
/// three hundred: more than the supervisor has places for.
fn attacked(name: &str, pause: Duration, begin: fn(&mut TcpStream)) {
    /// One attack at a time: the machine is shared, and each is to be the supervisor's only trouble.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let home = Home::new();
    let (mut child, address) = start(&home, 256);
    let (stop, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let attackers: Vec<_> = (0..2)
        .map(|_| {
            let (stop, begun) = (stop.clone(), begun.clone());
            std::thread::spawn(move || {
                let mut held = std::collections::VecDeque::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                        begin(&mut stream);
                        held.push_back(stream);
                        begun.fetch_add(1, Ordering::Relaxed);
                    }
                    if held.len() > 300 {
                        held.pop_front();
                    }
                    std::thread::sleep(pause);
                }
            })
        })
        .collect();
    while begun.load(Ordering::Relaxed) < 1_000 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut took = Vec::new();
    for _ in 0..40 {
        let answer = ask(address, "/health/live");
        let (status, time) = answer.unwrap_or_else(|| panic!("{name}: health was not answered"));
        assert_eq!(status, 200, "{name}");
        took.push(time);
    }
    assert!(resident_kib(&child) < 400 * 1024, "{name}: {} KiB", resident_kib(&child));
    stop.store(true, Ordering::Relaxed);
    attackers.into_iter().for_each(|attacker| attacker.join().unwrap());
    took.sort();
    println!(
        "{name}: {} connections; health p50 {:?}, worst {:?}",
        begun.load(Ordering::Relaxed),
        took[took.len() / 2],
        took[took.len() - 1]
    );
    let recovered = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        ask(address, "/api/v1/status").is_some_and(|(status, _)| status == 401)
    });
    assert!(recovered, "{name}: it does not recover");
    // Who comes by the socket was never in the way.
    assert_eq!(home.run(&["status"]).code, 0, "{name}");
    crate::support::program::terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn connections_that_say_nothing_make_room_for_those_that_ask() {
    attacked("silent", Duration::from_millis(2), |_| {});
}

#[test]
fn connections_that_never_end_their_head_make_room_too() {
    attacked("half a head", Duration::from_millis(2), |stream| {
        let _ = stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    });
}

#[test]
fn connections_whose_body_never_comes_hold_nobody_up() {
    attacked("half a body", Duration::from_millis(4), |stream| {
        let _ = stream.write_all(
            b"POST /api/v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
        );
    });
}

#[test]
fn connections_that_do_not_read_their_answers_hold_nobody_up() {
    attacked("no reading", Duration::from_millis(20), |stream| {
        let _ = stream.write_all(&b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(20));
    });
}

/// Five thousand connections at once, which say nothing, and health all the while.
#[test]
fn five_thousand_connections_hold_nobody_up() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let home = Home::new();
    let (mut child, address) = start(&home, 4_096);
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = {
        let is_over = is_over.clone();
        std::thread::spawn(move || {
            let mut took = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let (status, time) = ask(address, "/health/live").expect("health was not answered");
                assert_eq!(status, 200);
                took.push(time);
            }
            took.sort();
            took
        })
    };
    let opened: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn(move || {
                (0..2_500).filter_map(|_| TcpStream::connect(address).ok()).collect::<Vec<_>>()
            })
        })
        .collect();
    let held: Vec<TcpStream> = opened.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(held.len() > 4_900, "{}", held.len());
    std::thread::sleep(Duration::from_secs(2));
    assert!(resident_kib(&child) < 400 * 1024, "{} KiB", resident_kib(&child));
    is_over.store(true, Ordering::Relaxed);
    let took = asking.join().unwrap();
    println!(
        "five thousand: health asked {} times, p50 {:?}, p99 {:?}, worst {:?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1]
    );
    drop(held);
    assert_eq!(home.run(&["status"]).code, 0);
    crate::support::program::terminate(&child);
    assert!(child.wait().unwrap().success());
}

fn connect(running: &Running) -> TcpStream {
    let stream = TcpStream::connect(running.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// A body of a byte a second would be in the way for a quarter of an hour, and each byte of it puts off a deadline for silence.
#[test]
fn a_body_that_drips_is_not_waited_for() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut stream = connect(&running);
    let head = format!(
        "POST /api/v1/gate HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{",
        running.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut dripping = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        (0..60)
            .take_while(|_| {
                std::thread::sleep(Duration::from_secs(1));
                dripping.write_all(b" ").is_ok()
            })
            .count()
    });
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(drip.join().unwrap() < 45);
    assert_eq!(running.stop(), 0);
}

/// An exporter that was too slow is told so, and sends again; what it is told with 400 it would throw away.
#[test]
fn an_export_that_does_not_come_in_time_may_be_sent_again() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut stream = connect(&running);
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{",
        running.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 5"), "{answer}");
    assert_eq!(running.stop(), 0);
}

/// Answers of many MiB that nobody reads: their connection is closed, whoever's token it has.
#[test]
fn an_answer_that_is_not_read_is_given_up() {
    let home = Home::new();
    let running = home.start(&[]);
    let whole = running.get("/api/v1/openapi.json").body.len() * 200;
    let mut stream = connect(&running);
    let request = format!(
        "GET /api/v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        running.token
    );
    stream.write_all(request.repeat(200).as_bytes()).unwrap();
    let has_gone = || {
        let answer = running.get("/metrics").body;
        let open =
            answer.lines().find(|line| line.starts_with("http_server_active_requests{")).map(str::to_owned);
        // Its own scrape is one.
        open.is_none_or(|line| line.ends_with(" 1") || line.ends_with(" 0"))
    };
    std::thread::sleep(Duration::from_secs(13));
    assert!(has_gone());
    let (mut read, mut buffer) = (0, vec![0; 1 << 20]);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        read += length;
    }
    assert!(read < whole, "all {whole} bytes came, though nobody read them in time");
    assert_eq!(running.stop(), 0);
}

/// Streams that are opened and reset at once (CVE-2023-44487), and connections that never say that they speak HTTP/2.
#[test]
fn the_port_for_grpc_is_not_held_up_either() {
    let home = Home::new();
    let running = home.start_with(&[], &[("MECRIS_OTLP__GRPC_LISTEN", "127.0.0.1:0")]);
    let line = running.said.lines().find(|line| line.contains("OTLP over gRPC")).unwrap();
    let address: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let reset = |_| {
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
            let connection = tokio::spawn(connection);
            for sent in 0..20_000 {
                let Ok(ready) = sender.clone().ready().await else { return sent };
                sender = ready;
                let request = axum::http::Request::post(format!("http://{address}/x")).body(()).unwrap();
                let Ok((_, mut body)) = sender.send_request(request, false) else { return sent };
                body.send_reset(h2::Reason::CANCEL);
                if sent % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            connection.abort();
            20_000
        })
    };
    let sent: Vec<usize> = (0..3).map(reset).collect();
    println!("streams that were reset before the connection was cut off: {sent:?}");
    assert!(sent.iter().all(|sent| *sent < 20_000), "{sent:?}");
    assert!(resident_kib(&running.child) < 400 * 1024);
    assert_eq!(running.get("/health/live").status, 200);
    let bearer = format!("Bearer {}", running.token);
    runtime.block_on(async {
        use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
        use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
        let mut client = LogsServiceClient::connect(format!("http://{address}")).await.unwrap();
        let mut request = tonic::Request::new(ExportLogsServiceRequest::default());
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        client.export(request).await.unwrap();
    });
    drop(silent);
    assert_eq!(running.stop(), 0);
}

/// What is not read yet is kept for each connection: a head has a largest size.
#[test]
fn a_head_without_an_end_is_refused_before_it_fills_the_memory() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut stream = connect(&running);
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-long: ").unwrap();
    let sent = (0..1_024).take_while(|_| stream.write_all(&[b'x'; 1_024]).is_ok()).count();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(sent < 1_024 || !answer.is_empty(), "a megabyte was taken");
    assert_eq!(running.get("/health/live").status, 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let home = Home::new();
    let (mut child, address) = start(&home, 256);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: loc").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = Vec::new();
    // The other end closes; a read that times out is an error.
    stream.read_to_end(&mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    crate::support::program::terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn only_http_1_is_spoken_and_answers_tell_a_browser_to_keep_nothing() {
    let home = Home::new();
    let running = home.start(&[]);
    let address = running.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = TcpStream::connect::<SocketAddr>(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.windows(3).any(|window| window == b"200"), "{answer:?}");
    for path in ["/health/live", "/api/v1/status", "/nowhere", "/metrics"] {
        let answer = running.get(path);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(
                answer.headers.get(name).map(|value| value.to_str().unwrap()),
                Some(value),
                "{path} {name}"
            );
        }
    }
}
