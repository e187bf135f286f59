//! What leaves this machine: secrets go over https or stay here, and nobody outside learns of our traces.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use mecris::integration::resilience::{Auth, Outside, OutsideError, Policy};
use secrecy::SecretString;

use crate::support::program::Home;

#[test]
fn no_client_is_made_for_an_address_where_others_could_read_what_is_sent() {
    let auth = || Some(Auth::Bearer(SecretString::from("sk-marked")));
    let made = |base: &str, auth: Option<Auth>| {
        let base = reqwest::Url::parse(base).unwrap();
        Outside::new("example", "no mend", &base, auth, Policy::default(), Arc::new(|_, _| {})).map(drop)
    };
    for base in ["https://api.example/", "http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost:9/"] {
        assert!(made(base, auth()).is_ok(), "{base}");
    }
    for base in ["http://proxy.example/", "http://10.0.0.1/", "http://localhost.example/", "http://0.0.0.0/"]
    {
        for auth in [auth(), None] {
            let refused = made(base, auth).unwrap_err();
            assert!(
                matches!(refused, OutsideError::Invalid { system: "example", .. }),
                "{base}: {refused:?}"
            );
            assert!(refused.to_string().contains("use https://"), "{refused}");
        }
    }
}

#[test]
fn every_secret_for_an_open_address_is_named_with_the_mend() {
    let home = Home::new();
    let settings = home.dir.path().join("settings.toml");
    let hex = "0123456789abcdef0123456789abcdef";
    let parts = [
        (
            "beeminder.api_base",
            "[beeminder]\ntoken = \"abcdefgh12\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "twilio.api_base",
            format!(
                "[twilio]\naccount_sid = \"AC{hex}\"\nauth_token = \"{hex}\"\napi_base = \"http://proxy.example\"\n"
            ),
        ),
        (
            "anthropic.api_base",
            "[anthropic]\nadmin_key = \"sk-ant-admin01-x\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "openai.api_base",
            "[openai]\nadmin_key = \"sk-admin-x\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "openrouter.api_base",
            "[openrouter]\napi_key = \"sk-or-x\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "deepseek.api_base",
            "[deepseek]\napi_key = \"sk-x\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "moonshot.api_base",
            "[moonshot]\napi_key = \"sk-x\"\napi_base = \"http://proxy.example\"\n".to_owned(),
        ),
        (
            "telemetry.endpoint",
            "[telemetry]\nheaders = \"authorization=Bearer x\"\nendpoint = \"http://proxy.example:4317\"\n"
                .to_owned(),
        ),
        ("ntfy.url", "[ntfy]\nurl = \"http://proxy.example/a-topic\"\n".to_owned()),
        (
            "webhook.url",
            "[webhook]\nurl = \"http://proxy.example/hook\"\nsecret = \"0123456789abcdef0\"\n".to_owned(),
        ),
    ];
    for (key, part) in parts {
        let wrong = |part: &str| {
            std::fs::write(&settings, part).unwrap();
            let loaded = mecris::config::inspect_with(Some(&settings), &[]);
            assert_eq!(loaded.problems.len(), 0, "{key}: {:?}", loaded.problems);
            mecris::config::keys::wrong_forms(&loaded.loaded.config)
        };
        let told = wrong(&part);
        let told: Vec<_> = told.iter().filter(|wrong| wrong.key == key).collect();
        assert_eq!(told.len(), 1, "{key}");
        assert!(told[0].detail.contains("without encryption") && told[0].fix.contains("https://"), "{key}");
        for closed in ["https://proxy.example", "http://127.0.0.1"] {
            let told = wrong(&part.replace("http://proxy.example", closed));
            assert!(told.iter().all(|wrong| wrong.key != key), "{key}: {told:?}");
        }
    }
    // A person is told, and the program itself asks nobody there.
    std::fs::write(&settings, "[deepseek]\napi_key = \"sk-x\"\napi_base = \"http://proxy.example\"\n")
        .unwrap();
    let said = home.run(&["--config", settings.to_str().unwrap(), "doctor", "--json"]);
    assert!(said.out.contains("deepseek.api_base") && said.out.contains("without encryption"), "{said:?}");
}

#[test]
fn neither_our_traces_nor_a_proxy_s_owner_learn_of_a_request_to_this_machine() {
    let (outside, proxy) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let home = Home::new();
    let running = home.start_with(
        &[],
        &[
            ("DEEPSEEK_API_KEY", "sk-marked"),
            ("DEEPSEEK_API_BASE", &url(&outside)),
            ("HTTP_PROXY", &url(&proxy)),
            ("http_proxy", &url(&proxy)),
            ("ALL_PROXY", &url(&proxy)),
            // Spans are made, and go nowhere.
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_PROPAGATORS", "tracecontext,baggage"),
        ],
    );
    let (mut stream, _) = outside.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.contains("authorization: bearer sk-marked"), "{head}");
    for name in ["traceparent", "tracestate", "baggage", "b3:", "x-b3", "uber-trace-id"] {
        assert!(!head.contains(name), "{head}");
    }
    let _ = stream.write_all(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    proxy.set_nonblocking(true).unwrap();
    assert!(proxy.accept().is_err(), "the proxy was asked");
    assert_eq!(running.stop(), 0);
}
