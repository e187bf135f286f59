//! The client, against the other end of a pipe.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};

use super::commands::{CreateTarget, Evaluate, GetVersion};
use super::*;

/// The browser's end.
struct Other {
    says: DuplexStream,
    hears: Frames<DuplexStream>,
}

impl Other {
    async fn hear(&mut self) -> Value {
        serde_json::from_slice(&self.hears.next().await.unwrap()).unwrap()
    }

    async fn say(&mut self, message: Value) {
        self.says.write_all(format!("{message}\0").as_bytes()).await.unwrap();
    }
}

fn pair(room: usize) -> (Client, Tasks, Other) {
    let ((says, ours), (to, hears)) = (duplex(room), duplex(room));
    let (client, tasks) = Client::start(ours, to);
    (client, tasks, Other { says, hears: Frames::new(hears, MESSAGE_MAX) })
}

#[tokio::test]
async fn answers_come_to_whom_they_are_for_in_whatever_order() {
    let (client, _tasks, mut other) = pair(1 << 16);
    let browser = async {
        let (first, second) = (other.hear().await, other.hear().await);
        assert_eq!(
            (&first["method"], &first["params"], first.get("sessionId")),
            (&json!("Target.createTarget"), &json!({"url": "a"}), None)
        );
        other.say(json!({"method": "Target.targetCreated", "params": {"targetInfo": {}}})).await;
        other.say(json!({"id": second["id"], "result": {"targetId": "second"}})).await;
        other.say(json!({"id": first["id"], "result": {"targetId": "first", "more": [[1]]}})).await;
    };
    let (a, b) = (CreateTarget { url: "a" }, CreateTarget { url: "b" });
    let (first, second, ()) = tokio::join!(client.call(None, &a), client.call(None, &b), browser);
    assert_eq!((first.unwrap().target_id, second.unwrap().target_id), ("first".into(), "second".into()));
    assert!(client.shared.state().waiting.is_empty());
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_half_message_and_nobody_who_waits() {
    let (client, _tasks, mut other) = pair(64);
    let long = "x".repeat(10_000);
    let command = CreateTarget { url: &long };
    let given_up = client.call_within(Duration::from_millis(50), None, &command).await.map(drop);
    let within = Duration::from_millis(50);
    assert_eq!(given_up, Err(CdpError::Silent { method: "Target.createTarget", within }));
    assert!(client.shared.state().waiting.is_empty());
    let browser = async {
        assert_eq!(other.hear().await["params"]["url"], long);
        // Its answer comes too late, and is nobody's.
        other.say(json!({"id": 1, "result": {"targetId": "late"}})).await;
        let next = other.hear().await;
        other.say(json!({"id": next["id"], "result": {"targetId": "next"}})).await;
    };
    let next = CreateTarget { url: "next" };
    let (next, ()) = tokio::join!(client.call(None, &next), browser);
    assert_eq!(next.unwrap().target_id, "next");
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_of_another_form_is_that_call_s_alone() {
    let (client, _tasks, mut other) = pair(1 << 20);
    let long = json!({"result": {"value": vec![Value::Null; 100_000]}});
    for (result, error) in [
        (long, Err(CdpError::TooLong { max: 256 << 10 })),
        (json!({"result": 5}), Err(CdpError::Form { method: "Runtime.evaluate" })),
        (json!({"result": {"value": ["MARKED"]}}), Err(CdpError::Form { method: "Runtime.evaluate" })),
        (json!({"result": {"value": [null, true]}}), Ok(())),
    ] {
        let command = Evaluate::<Vec<Option<bool>>>::new("1");
        let browser = async {
            let asked = other.hear().await;
            assert_eq!((&asked["sessionId"], &asked["params"]["returnByValue"]), (&json!("S"), &json!(true)));
            other.say(json!({"id": asked["id"], "sessionId": "S", "result": result})).await;
        };
        let (answer, ()) = tokio::join!(client.call(Some("S"), &command), browser);
        assert_eq!(answer.map(drop), error);
    }
}

#[tokio::test]
async fn events_are_those_of_the_page_s_session_and_of_two_kinds() {
    let (client, _tasks, mut other) = pair(1 << 16);
    let (tell, mut told) = mpsc::unbounded_channel();
    client.hear("S", move |event| tell.send(event).unwrap());
    let received = |session: &str, id: &str, headers: Value| {
        json!({"method": "Network.responseReceived", "sessionId": session, "params": {
            "requestId": id, "response": {"url": "u", "status": 403, "headers": headers, "timing": {"x": 1.5}}}})
    };
    other.say(received("another", "0", json!({}))).await;
    other.say(received("S", "1", json!({"CF-Mitigated": "challenge", "x": "y"}))).await;
    other.say(received("S", "2", json!({"x": "challenge"}))).await;
    other.say(received("S", "3", json!("no headers"))).await;
    other
        .say(json!({"method": "Network.dataReceived", "sessionId": "S", "params": {"requestId": "1"}}))
        .await;
    other
        .say(json!({"method": "Network.loadingFinished", "sessionId": "S", "params": {"requestId": "1"}}))
        .await;
    let event = |id: &str, is_challenge| Event::Received {
        id: id.into(),
        url: "u".into(),
        status: 403,
        is_challenge,
    };
    assert_eq!(told.recv().await, Some(event("1", true)));
    assert_eq!(told.recv().await, Some(event("2", false)));
    assert_eq!(told.recv().await, Some(Event::Finished { id: "1".into() }));
}

#[tokio::test]
async fn whoever_waits_hears_why_nothing_comes_any_more_and_whoever_asks_then_too() {
    let (client, _tasks, mut other) = pair(1 << 16);
    let browser = async {
        other.hear().await;
        other.says.write_all(b"{\"id\":").await.unwrap();
        drop(other);
    };
    let (answer, ()) = tokio::join!(client.call(None, &GetVersion {}), browser);
    let cut = CdpError::Cut { asked: "Browser.getVersion" };
    assert_eq!(answer.map(drop), Err(cut));
    assert_eq!(client.call(None, &CreateTarget { url: "a" }).await.map(drop), Err(cut));
    assert_eq!(client.ended().await, cut);
    // One that does not listen any more has ended too, though it may go on to speak.
    let (client, _tasks, Other { says: _says, hears }) = pair(1 << 16);
    drop(hears);
    let answer = client.call(None, &GetVersion {}).await.map(drop);
    assert_eq!(answer, Err(CdpError::Closed { asked: "Browser.getVersion" }));
}

#[tokio::test]
async fn a_message_has_a_largest_size_to_the_byte_however_it_is_cut() {
    for room in [1, 3, 64] {
        let (mut says, hears) = duplex(room);
        let writes = tokio::spawn(async move {
            let _ = says.write_all(&[&b"12345678"[..], b"", b"1234", b"123456789", b""].join(&0)).await;
        });
        let mut frames = Frames::new(hears, 8);
        assert_eq!(frames.next().await.unwrap(), b"12345678");
        assert_eq!(frames.next().await.unwrap(), b"");
        assert_eq!(frames.next().await.unwrap(), b"1234");
        assert_eq!(frames.next().await, Err(Broken::TooLong));
        drop(frames);
        writes.await.unwrap();
    }
}

#[tokio::test]
async fn no_text_makes_a_second_message() {
    let (client, tasks, mut other) = pair(1 << 16);
    let command = CreateTarget { url: "a\0{\"id\":1}" };
    let _ = client.call_within(Duration::from_millis(20), None, &command).await;
    assert_eq!(other.hear().await["params"]["url"], "a\0{\"id\":1}");
    drop((client, tasks));
    // Nothing else came, and the end of the client is the end of the pipe.
    assert_eq!(other.hears.next().await, Err(Broken::Ended));
    let mut rest = Vec::new();
    let _ = other.says.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}
