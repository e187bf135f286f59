//! OTLP on the wire: what is acknowledged, refused and partly taken, and that nothing of people is kept.

use super::*;

#[test]
fn what_was_acknowledged_is_on_disk() {
    let mut world = World::start();
    for round in 0..5_u64 {
        world.logs(Way::Protobuf, &one(&format!("req_{round}")));
        world = world.kill_and_start();
        assert_eq!(sums(&world.home)["s-1"].messages, round + 1);
    }
}

#[test]
fn nothing_of_what_people_typed_or_who_they_are_is_kept() {
    let mut world = World::start_in(Home::new(), &[("MECRIS_LOG_LEVEL", "trace")]);
    let mut lines = world.running.child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        lines.read_to_end(&mut said).unwrap();
        said
    });
    let mut told = Told::make(51, 2, 30);
    for way in [Way::Protobuf, Way::Json, Way::Grpc] {
        told.events().iter().for_each(|export| world.logs(way, export));
        told.metrics(Temporality::Delta).iter().for_each(|export| world.metrics(way, export));
    }
    // Also not where it is wrong.
    let broken = format!(r#"{{"resourceLogs":[{{"scopeLogs":"{}"}}]}}"#, MARKERS[0]);
    let refused = world.json("/v1/logs", &broken);
    let mut bad = event(0, &call("req_bad", "s-bad", 5));
    bad.attributes.retain(|attribute| attribute.key != "input_tokens");
    bad.attributes.push(logs_attribute("input_tokens", MARKERS[0]));
    let partial = world.protobuf("/v1/logs", logs(vec![bad]).encode_to_vec());
    assert_eq!((refused.status, partial.status), (400, 200));
    let World { home, running } = world;
    assert_eq!(running.stop(), 0);
    let said = said.join().unwrap();
    assert!(said.len() > 10_000, "the log lines were read: {}", said.len());
    let kept = [everything_below(&home.data()), said, refused.body, partial.body].concat();
    for marker in MARKERS {
        assert!(memchr::memmem::find(&kept, marker.as_bytes()).is_none(), "{marker}");
    }
}

fn logs_attribute(key: &str, text: &str) -> opentelemetry_proto::tonic::common::v1::KeyValue {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
    let value = Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

#[test]
fn what_is_wrong_is_answered_as_the_protocol_wants() {
    let world = World::start();
    let good = one("req_1").encode_to_vec();
    let protobuf = ("content-type", "application/x-protobuf");
    let json = ("content-type", "application/json");
    let zipped = ("content-encoding", "gzip");
    let bearer = world.bearer();
    let token = ("authorization", bearer.as_str());
    let wrong = ("authorization", "Bearer wrong");
    let bomb = gzip(&vec![0; 5 * 1024 * 1024]);
    for (what, path, headers, body, status) in [
        ("no token", "/v1/logs", vec![protobuf], good.clone(), 401),
        ("a wrong token", "/v1/logs", vec![protobuf, wrong], good.clone(), 401),
        ("no content type", "/v1/logs", vec![token], good.clone(), 415),
        ("a wrong content type", "/v1/logs", vec![token, ("content-type", "text/plain")], good.clone(), 415),
        (
            "a compression that is not known",
            "/v1/logs",
            vec![token, protobuf, ("content-encoding", "br")],
            good.clone(),
            415,
        ),
        ("broken protobuf", "/v1/logs", vec![token, protobuf], b"\xff\xff\xff\xff".to_vec(), 400),
        ("cut protobuf", "/v1/logs", vec![token, protobuf], good[..good.len() - 3].to_vec(), 400),
        ("broken JSON", "/v1/logs", vec![token, json], b"{\"resourceLogs\":[".to_vec(), 400),
        ("protobuf for JSON", "/v1/metrics", vec![token, json], good.clone(), 400),
        ("not gzip", "/v1/logs", vec![token, protobuf, zipped], good.clone(), 400),
        ("cut gzip", "/v1/logs", vec![token, protobuf, zipped], gzip(&good)[..20].to_vec(), 400),
        ("50 MB", "/v1/logs", vec![token, protobuf], vec![0; 50_000_000], 413),
        ("much in little", "/v1/logs", vec![token, protobuf, zipped], bomb, 413),
        ("broken traces", "/v1/traces", vec![token, protobuf], b"\xff\xff".to_vec(), 400),
    ] {
        let answer = world.post_as(path, &headers, body);
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.retry_after, None, "{what}: sending it again does not mend it");
        let expected =
            if headers.contains(&protobuf) { "application/x-protobuf" } else { "application/json" };
        assert_eq!(answer.content_type, expected, "{what}");
        assert!(answer.body.len() > 10, "{what}: a message");
    }
    let answer = world.running.send("GET", "/v1/logs", &[token], None);
    assert_eq!(answer.status, 405);
    // What is good is taken all the same, and spans are taken and dropped.
    accepted(&world.protobuf("/v1/logs", good.clone()), Way::Protobuf);
    accepted(&world.post("/v1/logs", &[protobuf, zipped], gzip(&good)), Way::Protobuf);
    accepted(
        &world.protobuf("/v1/traces", ExportTraceServiceRequest::default().encode_to_vec()),
        Way::Protobuf,
    );
    accepted(&world.json("/v1/traces", r#"{"resourceSpans":[]}"#), Way::Json);
    accepted(&world.protobuf("/v1/logs", Vec::new()), Way::Protobuf);
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn a_body_without_a_length_is_taken() {
    let world = World::start();
    let body = gzip(&one("req_1").encode_to_vec());
    let address = world.running.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        world.bearer()
    )
    .unwrap();
    for chunk in body.chunks(50) {
        write!(stream, "{:x}\r\n", chunk.len()).unwrap();
        stream.write_all(chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn a_part_that_is_wrong_is_told_and_the_rest_is_taken() {
    let world = World::start();
    let attribute = |key: &str, text: &str| logs_attribute(key, text);
    let with = |request: &str, key: &str, text: &str| {
        let mut record = event(0, &call(request, "s-1", 7));
        record.attributes.retain(|known| known.key != key);
        record.attributes.push(attribute(key, text));
        record
    };
    let mut nameless = event(0, &call("", "", 7));
    nameless.attributes.retain(|known| known.key != "client_request_id");
    let records = vec![
        event(0, &call("req_good", "s-1", 7)),
        with("req_2", "output_tokens", "-7"),
        with("req_3", "output_tokens", "1e300"),
        with("req_4", "output_tokens", "many"),
        with("req_5", "model", ""),
        nameless,
    ];
    let answer = world.protobuf("/v1/logs", logs(records.clone()).encode_to_vec());
    let told = ExportLogsServiceResponse::decode(answer.body.as_slice()).unwrap().partial_success.unwrap();
    assert_eq!((answer.status, told.rejected_log_records), (200, 5), "{told:?}");
    assert!(!told.error_message.is_empty());
    let answer = world.json("/v1/logs", &logs_json(&logs(records)));
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["partialSuccess"]["rejectedLogRecords"], json!("5"), "{told}");
    let points = |session: &str| {
        let values = BTreeMap::from([(("claude-opus-5", "output"), 9), (("claude-opus-5", "dreams"), 9)]);
        counters(session, &values, true, 1_795_200_000_000_000_000, 1_795_200_060_000_000_000)
    };
    let answer = world.json("/v1/metrics", &metrics_json(&points("s-2")));
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["partialSuccess"]["rejectedDataPoints"], json!("1"), "{told}");
    let answer = world.json("/v1/metrics", &metrics_json(&points("")));
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["partialSuccess"]["rejectedDataPoints"], json!("2"), "no session: {told}");
    let sums = world.end();
    assert_eq!((sums.len(), sums["s-1"].messages, sums["s-2"].output_tokens), (2, 1, 9));
}

#[test]
fn over_grpc_errors_have_their_codes() {
    let world = World::start();
    block(async {
        let connect = || LogsServiceClient::connect(world.grpc_url());
        let mut client = connect().await.unwrap();
        let refused = client.export(one("req_1")).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unauthenticated);
        let mut wrong = world.grpc_request(one("req_1"));
        wrong.metadata_mut().insert("authorization", "Bearer wrong".parse().unwrap());
        assert_eq!(client.export(wrong).await.unwrap_err().code(), tonic::Code::Unauthenticated);
        let mut long = one("req_1");
        long.resource_logs[0].scope_logs[0].log_records[0].severity_text = "x".repeat(5_000_000);
        let refused = client.export(world.grpc_request(long.clone())).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::OutOfRange, "{refused:?}");
        let mut zipping = connect().await.unwrap().send_compressed(CompressionEncoding::Gzip);
        let refused = zipping.export(world.grpc_request(long)).await.unwrap_err();
        assert!(
            matches!(refused.code(), tonic::Code::OutOfRange | tonic::Code::ResourceExhausted),
            "{refused:?}"
        );
        zipping.export(world.grpc_request(one("req_2"))).await.unwrap();
        let mut traces = TraceServiceClient::connect(world.grpc_url()).await.unwrap();
        traces.export(world.grpc_request(ExportTraceServiceRequest::default())).await.unwrap();
    });
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn a_log_that_takes_nothing_now_has_the_exporter_come_again() {
    let world = World::start_in(Home::new(), &[("MECRIS_LOG__RESERVE_MIB", "1000000000")]);
    for answer in [
        world.protobuf("/v1/logs", one("req_1").encode_to_vec()),
        world.json("/v1/logs", &logs_json(&one("req_1"))),
    ] {
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")), "{answer:?}");
    }
    block(async {
        let mut client = LogsServiceClient::connect(world.grpc_url()).await.unwrap();
        let refused = client.export(world.grpc_request(one("req_1"))).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable);
    });
    // Once there is room, what is sent again is taken, once.
    let mut running = world.running;
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let world = World::start_in(world.home, &[]);
    world.logs(Way::Protobuf, &one("req_1"));
    world.logs(Way::Protobuf, &one("req_1"));
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn too_much_at_once_is_refused_and_nothing_of_it_is_lost() {
    let world = World::start();
    let body = Arc::new(one("req_1").encode_to_vec());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..64).map(|_| scope.spawn(|| world.protobuf("/v1/logs", body.to_vec()))).collect();
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .map(|answer| {
                assert!(answer.status == 200 || answer.retry_after.is_some(), "{answer:?}");
                answer.status
            })
            .collect()
    });
    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn the_source_tells_what_it_heard_and_can_be_switched_off() {
    let world = World::start();
    let source = |world: &World| {
        let shown = world.home.json(&["sources"]);
        let all = shown["sources"].as_array().unwrap().clone();
        all.into_iter().find(|source| source["name"] == "otlp").unwrap()
    };
    assert_eq!(source(&world)["state"], "waiting");
    world.logs(Way::Protobuf, &one("req_1"));
    world.logs(Way::Protobuf, &one("req_1"));
    let told = source(&world);
    assert_eq!((&told["state"], &told["stale"]), (&json!("ok"), &json!(false)), "{told}");
    assert_eq!(told["reason"], "2 told since the start: 1 counted, 1 known");
    assert_eq!(world.running.stop(), 0);

    let world = World::start_in(world.home, &[("MECRIS_OTLP__ENABLED", "false")]);
    assert_eq!(source(&world)["state"], "not-configured");
    assert!(!world.running.said.contains("OTLP over"));
    assert_eq!(world.protobuf("/v1/logs", one("req_2").encode_to_vec()).status, 404);
}

#[test]
fn an_address_of_its_own_serves_nothing_else() {
    let mut world = World::start_in(Home::new(), &[("MECRIS_OTLP__LISTEN", "127.0.0.1:0")]);
    let line = world.running.said.lines().find_map(|line| line.strip_prefix("OTLP over HTTP on "));
    world.running.url = format!("http://{}", line.unwrap());
    world.logs(Way::Json, &one("req_1"));
    assert_eq!(world.running.get("/api/v1/status").status, 404);
    assert_eq!(world.end()["s-1"].messages, 1);
}

#[test]
fn a_number_is_explained_by_what_told_it() {
    let world = World::start();
    world.logs(Way::Protobuf, &one("req_1"));
    let mut told = Told::make(61, 1, 4);
    told.metrics(Temporality::Delta).iter().for_each(|export| world.metrics(Way::Protobuf, export));
    assert_eq!(world.running.stop(), 0);
    let explained = world.home.json(&["replay", "--explain", "req_1"]);
    let kinds = |explained: &Value| -> Vec<String> {
        let events = explained["events"].as_array().unwrap();
        events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&explained), ["usage-told"]);
    world.home.transcript("s-1.jsonl", told.transcripts().values().next().unwrap().join("\n") + "\n");
    world.home.json(&["import"]);
    let explained = world.home.json(&["replay", "--explain", &told.calls[0].session]);
    let kinds = kinds(&explained);
    assert!(kinds.iter().any(|kind| kind == "usage-metered"), "{kinds:?}");
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "usage-metered").count(),
        kinds.iter().filter(|kind| *kind == "usage-withdrawn").count()
    );
    assert_eq!(counts(&explained["total"]), told.truth().into_values().next().unwrap());
}
