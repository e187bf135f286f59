//! What Twilio posts to us, signed as Twilio signs: on command, so that it can be late, twice or missing.

use aws_lc_rs::hmac;
use base64::Engine;
use serde_json::{Value, json};

use super::{ACCOUNT, AUTH_TOKEN, Shared, Twilio, World};

type Form = Vec<(String, String)>;

/// The signature of a form that is posted to an address.
pub fn signature(token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut fields: Vec<String> = form.iter().map(|(name, value)| format!("{name}{value}")).collect();
    // No name here begins like another one and goes on: to sort the pairs is to sort the names.
    fields.sort();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let tag = hmac::sign(&key, format!("{url}{}", fields.concat()).as_bytes());
    base64::engine::general_purpose::STANDARD.encode(tag)
}

/// The form of a status callback.
pub fn form_of(message: &Value, status: &str) -> Form {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let mut form: Form = [
        ("MessageSid", text("sid")),
        ("SmsSid", text("sid")),
        ("MessageStatus", status.to_owned()),
        ("SmsStatus", status.to_owned()),
        ("To", text("to")),
        ("From", text("from")),
        ("AccountSid", ACCOUNT.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("RawDlrDoneDate", "2611231000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let (Some(code), "failed" | "undelivered") = (message["error_code"].as_u64(), status) {
        form.push(("ErrorCode".to_owned(), code.to_string()));
    }
    form
}

/// A message goes on in its life; nobody is told.
pub fn progress(world: &Shared<World>, sid: &str, status: &str, error: Option<u32>) {
    let mut world = world.lock();
    let message = world.messages.iter_mut().find(|message| message["sid"] == sid).expect("no such message");
    message["status"] = json!(status);
    message["error_code"] = json!(error);
    if matches!(status, "sent" | "delivered" | "read") {
        let parts = super::segments(message["body"].as_str().unwrap());
        message["num_segments"] = json!(parts.to_string());
        message["price"] = json!(format!("-{}.{:05}", parts * 790 / 100_000, parts * 790 % 100_000));
    }
}

/// Posts a callback with this status, whatever the message's own is; the answer's status, or none.
pub async fn tell(world: &Shared<World>, sid: &str, status: &str) -> Option<u16> {
    let (url, form) = {
        let world = world.lock();
        let message = world.messages.iter().find(|message| message["sid"] == sid)?;
        (world.callbacks.get(sid)?.clone(), form_of(message, status))
    };
    post(&url, &url, &form, AUTH_TOKEN).await
}

async fn post(url: &str, signed_url: &str, form: &Form, token: &str) -> Option<u16> {
    let signed_url = signed_url.split('#').next().unwrap();
    let request =
        reqwest::Client::new().post(url).header("X-Twilio-Signature", signature(token, signed_url, form));
    let answer = request.header("I-Twilio-Idempotency-Token", "f1a2").form(form).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// Runs to its end on a thread of its own: a test may be in a runtime of its own.
fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    };
    std::thread::spawn(run).join().unwrap()
}

impl Twilio {
    /// A message goes on in its life; nobody is told.
    pub fn progress(&self, sid: &str, status: &str, error: Option<u32>) {
        progress(&self.world, sid, status, error);
    }

    /// Posts a callback with this status, whatever the message's own is: out of order, twice, as the test
    /// wants. The answer's status; none where the message has no callback or nobody answers.
    pub fn tell(&self, sid: &str, status: &str) -> Option<u16> {
        let (world, sid, status) = (self.world.clone(), sid.to_owned(), status.to_owned());
        wait(async move { tell(&world, &sid, &status).await })
    }

    /// The person writes. Twilio itself acts on STOP and START, and then posts the message to `url`, signed for
    /// `signed_url` (the public one).
    pub fn inbound(&self, url: &str, signed_url: &str, from: &str, body: &str) -> Option<u16> {
        self.hear(from, body);
        let form: Form = [
            ("MessageSid", "SM000000000000000000000000000000ff"),
            ("SmsMessageSid", "SM000000000000000000000000000000ff"),
            ("SmsStatus", "received"),
            ("AccountSid", ACCOUNT),
            ("From", from),
            ("To", super::FROM),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
            ("ApiVersion", "2010-04-01"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let (url, signed_url) = (url.to_owned(), signed_url.to_owned());
        wait(async move { post(&url, &signed_url, &form, AUTH_TOKEN).await })
    }

    /// What Twilio itself does with a message of the person's.
    pub fn hear(&self, from: &str, body: &str) {
        let mut world = self.world.lock();
        match body.trim().to_uppercase().as_str() {
            "STOP" | "UNSUBSCRIBE" | "END" | "QUIT" | "STOPALL" | "REVOKE" | "OPTOUT" | "CANCEL" => {
                world.opted_out.insert(from.to_owned());
            }
            "START" | "YES" | "UNSTOP" => {
                world.opted_out.remove(from);
            }
            _ => {}
        }
    }
}
