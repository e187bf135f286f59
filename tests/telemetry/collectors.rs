//! Collectors that are dead, hang or refuse: no command fails, memory is bounded, the end is clean, and one line says so.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::support::program::Home;

/// More memory than this, in KiB, would be a queue without a bound.
const RESIDENT_MAX: u64 = 400 * 1024;

/// Where the collector would be, and what is there.
fn collector(kind: &str) -> (String, Option<TcpListener>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    match kind {
        "dead" => (endpoint, None),
        "hangs" => (endpoint, Some(listener)),
        _ => {
            let own = listener.try_clone().unwrap();
            std::thread::spawn(move || {
                for stream in own.incoming().map_while(Result::ok) {
                    std::thread::spawn(move || refuse(stream));
                }
            });
            (endpoint, Some(listener))
        }
    }
}

fn refuse(mut stream: std::net::TcpStream) {
    let mut chunk = [0; 8_192];
    while let Ok(1..) = stream.read(&mut chunk) {
        if stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .is_err()
        {
            return;
        }
    }
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn no_collector_that_fails_costs_more_than_a_line() {
    for kind in ["dead", "hangs", "refuses"] {
        let (endpoint, listener) = collector(kind);
        let home = Home::new();
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
        ];
        let mut running = home.start_with(&[], &variables);
        let mut stderr = running.child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut all = String::new();
            stderr.read_to_string(&mut all).unwrap();
            all
        });
        let bearer = format!("Bearer {}", running.token);
        for n in 0..60 {
            let body = json!({ "amount_usd": "5", "period": "daily" }).to_string();
            let path = format!("/api/v1/budgets/b{n}");
            assert_eq!(
                running.send("PUT", &path, &[("authorization", &bearer)], Some(&body)).status,
                200,
                "{kind}"
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let held = resident(running.child.id());
        assert!(held < RESIDENT_MAX, "{kind}: {held} KiB");
        assert_eq!(running.stop(), 0, "{kind}");
        let lines = reader.join().unwrap();
        assert_eq!(lines.matches("the telemetry collector is not reached").count(), 1, "{kind}: {lines}");
        assert_eq!(home.json(&["budget", "list"])["budgets"].as_array().unwrap().len(), 60, "{kind}");
        drop(listener);
    }
}
