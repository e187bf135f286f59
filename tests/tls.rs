//! Addresses that other machines reach: TLS by a certificate of our own or by files, and nothing plain.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::program::{Home, Running};

/// An address of this machine that is not loopback: what comes from there comes over the network, for all that a program knows.
/// Nothing is sent to find it.
fn outer() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").expect("this test needs a network interface beside loopback");
    socket.local_addr().unwrap().ip()
}

fn certificate(home: &Home) -> Vec<u8> {
    std::fs::read(home.root().join("tls-certificate.pem")).unwrap()
}

/// A supervisor that listens on all addresses, and its port.
fn everywhere(home: &Home, variables: &[(&str, &str)]) -> (Running, u16) {
    let mut command = home.command(&["run", "--listen", "0.0.0.0:0"]);
    command.envs(variables.iter().copied());
    let running = home.wait_for(command);
    let port = running.url.rsplit_once(':').unwrap().1.parse().unwrap();
    (running, port)
}

/// The status of a request that trusts `pem` alone, or why there is none.
fn ask(url: &str, pem: &[u8], token: &str) -> Result<u16, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let trusted = reqwest::Certificate::from_pem_bundle(pem).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(trusted).build().unwrap();
        let answer = client.get(url).bearer_auth(token).send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| format!("{error:?}"))
    })
}

/// What plain words are answered with.
fn plainly(address: SocketAddr, words: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // It may be closed before all was read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn off_loopback_tls_is_spoken_by_a_certificate_of_our_own_and_nothing_plain() {
    let (home, outer) = (Home::new(), outer());
    let names = format!("[\"mecris.example\", \"{outer}\"]");
    let (running, port) = everywhere(&home, &[("MECRIS_TLS__NAMES", &names)]);
    assert!(running.url.starts_with("https://"), "{}", running.url);
    assert!(running.said.contains("tls-certificate.pem"), "{}", running.said);
    let pem = certificate(&home);
    let key = std::fs::metadata(home.root().join("tls-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    let url = format!("https://{outer}:{port}/api/v1/status");
    assert_eq!(ask(&url, &pem, &running.token), Ok(200));
    assert_eq!(ask(&url, &pem, "wrong"), Ok(401));
    let other = rcgen::generate_simple_self_signed(["mecris.example".to_owned()]).unwrap();
    let error = ask(&url, other.cert.pem().as_bytes(), &running.token).unwrap_err();
    assert!(error.to_lowercase().contains("certificate"), "{error}");

    // A token that comes in plain is refused before anybody looks at it; the refusal is told.
    let words = format!(
        "GET /api/v1/status HTTP/1.1\r\nhost: {outer}\r\nauthorization: Bearer {}\r\n\r\n",
        running.token
    );
    let answer = plainly((outer, port).into(), &words);
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("https"), "{answer}");
    assert!(!answer.contains("spend"), "{answer}");
    // From this machine itself nobody listens in between, and both are spoken.
    let near = SocketAddr::from(([127, 0, 0, 1], port));
    let words = words.replace(&format!("host: {outer}"), "host: localhost\r\nconnection: close");
    assert!(plainly(near, &words).starts_with("HTTP/1.1 200 "));
    assert_eq!(ask(&format!("https://localhost:{port}/health/live"), &pem, ""), Ok(200));
    assert_eq!(home.run(&["status"]).code, 0, "the command line comes by the socket");
    assert_eq!(running.stop(), 0);

    // The same certificate is shown again: whoever trusts it goes on doing so.
    let (running, _) = everywhere(&home, &[("MECRIS_TLS__NAMES", &names)]);
    assert_eq!(certificate(&home), pem);
    let told = home.json(&["incidents"])["incidents"].to_string();
    assert!(told.contains("without encryption") && told.contains("over the network"), "{told}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn on_loopback_nothing_is_made() {
    let home = Home::new();
    let running = home.start(&[]);
    assert!(running.url.starts_with("http://127.0.0.1:"));
    assert!(!home.root().join("tls-certificate.pem").exists());
    assert_eq!(running.stop(), 0);
}

/// Writes a certificate and a key for `name`, good until a day.
fn write_pair(dir: &Path, name: &str, until: (i32, u8, u8)) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([name.to_owned(), outer().to_string()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    let certificate = params.self_signed(&key).unwrap().pem();
    std::fs::write(dir.join("cert.pem"), &certificate).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(dir.join("key.pem"), std::fs::Permissions::from_mode(0o640)).unwrap();
    certificate.into_bytes()
}

#[test]
fn files_are_taken_and_read_again_when_they_are_renewed() {
    let (home, outer) = (Home::new(), outer());
    let dir = home.dir.path().to_owned();
    let first = write_pair(&dir, "one.example", (2100, 1, 1));
    let files = [
        ("MECRIS_TLS__CERTIFICATE", dir.join("cert.pem").display().to_string()),
        ("MECRIS_TLS__KEY", dir.join("key.pem").display().to_string()),
        ("MECRIS_TLS__NAMES", format!("[\"{outer}\"]")),
    ];
    let files: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (running, port) = everywhere(&home, &files);
    let url = format!("https://{outer}:{port}/api/v1/status");
    assert_eq!(ask(&url, &first, &running.token), Ok(200));
    let second = write_pair(&dir, "two.example", (2100, 1, 1));
    // The signal alone changes no setting, so that the renewal waits for its hour; a changed setting is looked at once.
    std::fs::create_dir_all(home.dir.path().join(".config/mecris")).unwrap();
    std::fs::write(home.dir.path().join(".config/mecris/config.toml"), "[gate]\nwarn_percent = 70\n")
        .unwrap();
    assert_eq!(home.run(&["reload"]).code, 0);
    let is_renewed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        ask(&url, &second, &running.token) == Ok(200)
    });
    assert!(is_renewed);
    assert!(ask(&url, &first, &running.token).is_err());
    // One that cannot be used leaves the one that can.
    std::fs::write(dir.join("cert.pem"), "torn").unwrap();
    std::fs::write(home.dir.path().join(".config/mecris/config.toml"), "[gate]\nwarn_percent = 60\n")
        .unwrap();
    assert_eq!(home.run(&["reload"]).code, 0);
    assert_eq!(ask(&url, &second, &running.token), Ok(200));
    assert_eq!(running.stop(), 0);
}

#[test]
fn what_cannot_be_used_stops_the_start_with_the_mend_and_doctor_says_it_before() {
    let home = Home::new();
    let dir = home.dir.path().to_owned();
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let both = [("MECRIS_TLS__CERTIFICATE", certificate), ("MECRIS_TLS__KEY", key)];
    let with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.command(arguments);
        command.env("MECRIS_LISTEN", "0.0.0.0:0").envs(variables.iter().copied());
        crate::support::program::Said::from(command.output().unwrap())
    };
    let fails = |variables: &[(&str, &str)], why: &str| {
        let said = with(&["run"], variables);
        assert!(said.code != 0 && said.err.contains(why), "{why}: {said:?}");
        let told = with(&["doctor", "--offline", "--json"], variables);
        assert!(told.code == 1 && told.out.contains("\"tls\""), "{why}: {told:?}");
        assert!(!said.err.contains("PRIVATE KEY") && !told.out.contains("PRIVATE KEY"));
    };
    fails(&both[..1], "go together");
    fails(&both, "No such file");
    write_pair(&dir, "one.example", (2100, 1, 1));
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
    fails(&both, "everybody on this machine may read the private key");
    let pair = std::fs::read(key).unwrap();
    write_pair(&dir, "one.example", (2100, 1, 1));
    std::fs::write(key, pair).unwrap();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    fails(&both, "tls.key must be the private key");
    for (path, text) in
        [(certificate, ""), (certificate, "-----BEGIN CERTIFICATE-----\n!\n"), (key, "no key")]
    {
        write_pair(&dir, "one.example", (2100, 1, 1));
        std::fs::write(path, text).unwrap();
        fails(&both, "PEM");
    }
    // What is over, or soon will be, is told; who asks here decides whether to trust it.
    write_pair(&dir, "one.example", (2021, 1, 1));
    let said = with(&["doctor", "--offline"], &both);
    assert!(said.code == 1 && said.out.contains("the certificate is over"), "{said:?}");
    write_pair(&dir, "one.example", (2100, 1, 1));
    let said = with(&["doctor", "--offline", "--json"], &both);
    assert!(said.out.contains("the certificate of tls.certificate"), "{said:?}");
    let said = with(&["doctor", "--offline", "--json"], &[("MECRIS_TLS__PLAIN", "true")]);
    assert!(said.out.contains("without encryption"), "{said:?}");
}

#[test]
fn a_proxy_in_front_may_speak_plainly_where_the_settings_say_so() {
    let (home, outer) = (Home::new(), outer());
    let (running, port) =
        everywhere(&home, &[("MECRIS_TLS__PLAIN", "true"), ("MECRIS_TLS__NAMES", "[\"mecris.example\"]")]);
    assert!(running.url.starts_with("http://"));
    let words = format!(
        "GET /api/v1/status HTTP/1.1\r\nhost: mecris.example\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        running.token
    );
    assert!(plainly((outer, port).into(), &words).starts_with("HTTP/1.1 200 "));
    let foreign = words.replace("mecris.example", "elsewhere.example");
    assert!(plainly((outer, port).into(), &foreign).starts_with("HTTP/1.1 403 "));
    assert_eq!(running.stop(), 0);
}

#[test]
fn telemetry_from_other_machines_comes_by_tls_too_over_http_and_grpc() {
    let (home, outer) = (Home::new(), outer());
    let variables = [
        ("MECRIS_OTLP__LISTEN", "0.0.0.0:0"),
        ("MECRIS_OTLP__GRPC_LISTEN", "0.0.0.0:0"),
        ("MECRIS_TLS__NAMES", &format!("[\"{outer}\"]")),
    ];
    let running = home.start_with(&[], &variables);
    assert!(running.url.starts_with("http://127.0.0.1:"), "the API's own address is on loopback");
    let port = |what: &str| -> u16 {
        let line = running.said.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.ends_with(", by TLS"), "{line}");
        line.split(':').next_back().unwrap().split(',').next().unwrap().parse().unwrap()
    };
    let (http, grpc) = (port("OTLP over HTTP"), port("OTLP over gRPC"));
    for port in [http, grpc] {
        let answer =
            plainly((outer, port).into(), "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}");
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    }
    let pem = certificate(&home);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let trusted = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(trusted).build().unwrap();
        let request = client.post(format!("https://{outer}:{http}/v1/logs")).bearer_auth(&running.token);
        assert_eq!(request.json(&json!({})).send().await.unwrap().status(), 200);
        assert_eq!(export(outer, grpc, &pem, &running.token).await, "0");
        assert_eq!(export(outer, grpc, &pem, "wrong").await, "16", "UNAUTHENTICATED");
    });
    assert_eq!(running.stop(), 0);
}

/// Exports nothing over gRPC, and says with which status that was answered.
async fn export(host: IpAddr, port: u16, pem: &[u8], token: &str) -> String {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_slice_iter(pem).for_each(|one| roots.add(one.unwrap()).unwrap());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect((host, port)).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(ServerName::from(host), stream).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = axum::http::Request::post(format!(
        "https://{host}:{port}/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .header("authorization", format!("Bearer {token}"))
    .body(())
    .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    // A message of no bytes, not compressed.
    body.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    let response = response.await.unwrap();
    let status = |headers: &axum::http::HeaderMap| {
        headers.get("grpc-status").map(|status| status.to_str().unwrap().to_owned())
    };
    let status = match status(response.headers()) {
        Some(status) => status,
        None => {
            let mut body = response.into_body();
            while body.data().await.is_some() {}
            status(&body.trailers().await.unwrap().unwrap()).unwrap()
        }
    };
    connection.abort();
    status
}
