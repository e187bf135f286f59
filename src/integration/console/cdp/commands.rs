//! The commands and events of the protocol that are used, each with the form of its answer: nothing else is taken out of a
//! message.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::cookies::{Cookie, CookieParam};
use super::MESSAGE_MAX;

/// Bodies up to this are kept by the browser until they are asked for, in bytes; longer ones are not.
pub const BODY_KEPT: u32 = 2 << 20;
/// Of all bodies together it keeps this much, in bytes.
const BODIES_KEPT: u32 = 8 << 20;
/// Answers of a few short fields, in bytes.
const SHORT: usize = 256 << 10;

/// A command, and how it is answered.
pub trait Command: Serialize {
    /// Its name.
    const METHOD: &'static str;
    /// A longer answer is not looked into, in bytes: a small text can need much memory once it is read.
    const ANSWER_MAX: usize = SHORT;
    /// What it answers.
    type Answer: DeserializeOwned;
}

macro_rules! command {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? = $method:literal -> $answer:ty $(, up to $max:expr)?;
        $($(#[$field_doc:meta])* $field:ident: $type:ty),*) => {
        $(#[$doc])*
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name $(<$life>)? { $($(#[$field_doc])* pub $field: $type),* }

        impl $(<$life>)? Command for $name $(<$life>)? {
            const METHOD: &'static str = $method;
            $(const ANSWER_MAX: usize = $max;)?
            type Answer = $answer;
        }
    };
}

command! {
    /// Whether it is there.
    GetVersion = "Browser.getVersion" -> IgnoredAny;
}
command! {
    /// Asks it to close, so that it writes its profile.
    Close = "Browser.close" -> IgnoredAny;
}
command! {
    /// Opens a page.
    CreateTarget<'a> = "Target.createTarget" -> Created; url: &'a str
}
command! {
    /// Makes a page's commands and events go over the same pipe, with its session's name (`flatten`).
    AttachToTarget<'a> = "Target.attachToTarget" -> Attached; target_id: &'a str, flatten: bool
}
command! {
    /// Brings a page to the front.
    ActivateTarget<'a> = "Target.activateTarget" -> IgnoredAny; target_id: &'a str
}
command! {
    /// Makes it tell of responses.
    EnableNetwork = "Network.enable" -> IgnoredAny; max_resource_buffer_size: u32, max_total_buffer_size: u32
}
command! {
    /// A response's body.
    GetResponseBody<'a> = "Network.getResponseBody" -> Body, up to MESSAGE_MAX; request_id: &'a str
}
command! {
    /// Goes to an address; answered when the page has begun to come.
    Navigate<'a> = "Page.navigate" -> Navigated; url: &'a str
}
command! {
    /// A picture of what is seen.
    CaptureScreenshot = "Page.captureScreenshot" -> Picture, up to MESSAGE_MAX; format: &'static str
}
command! {
    /// All cookies.
    GetCookies = "Storage.getCookies" -> Cookies, up to MESSAGE_MAX;
}
command! {
    /// Puts cookies into the profile.
    SetCookies = "Storage.setCookies" -> IgnoredAny; cookies: Vec<CookieParam>
}

/// Runs a script in the page, whose value is `T`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluate<'a, T> {
    expression: &'a str,
    return_by_value: bool,
    #[serde(skip)]
    value: std::marker::PhantomData<T>,
}

impl<'a, T> Evaluate<'a, T> {
    /// The script's value is given back, not a reference to it.
    pub fn new(expression: &'a str) -> Self {
        Self { expression, return_by_value: true, value: std::marker::PhantomData }
    }
}

impl<T: DeserializeOwned> Command for Evaluate<'_, T> {
    const METHOD: &'static str = "Runtime.evaluate";
    type Answer = Evaluated<T>;
}

impl EnableNetwork {
    /// With the limits on what the browser keeps of bodies.
    pub const BOUNDED: Self =
        Self { max_resource_buffer_size: BODY_KEPT, max_total_buffer_size: BODIES_KEPT };
}

/// What opening answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The page.
    pub target_id: String,
}

/// What attaching answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// Its session.
    pub session_id: String,
}

/// A body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// The text, or bytes in base64.
    pub body: String,
    /// Which of the two.
    pub base64_encoded: bool,
}

/// What going to an address answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Navigated {
    /// There where it failed.
    pub error_text: Option<IgnoredAny>,
}

/// A picture.
#[derive(Deserialize)]
pub struct Picture {
    /// Its bytes in base64.
    pub data: String,
}

/// Cookies.
#[derive(Deserialize)]
pub struct Cookies {
    /// All of them.
    pub cookies: Vec<Cookie>,
}

/// What a script came to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluated<T> {
    /// Its value.
    pub result: Value<T>,
    /// There where it threw.
    pub exception_details: Option<IgnoredAny>,
}

/// A script's value.
#[derive(Deserialize)]
pub struct Value<T> {
    /// None for `undefined`.
    pub value: Option<T>,
}

/// What a page's session tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A response's head has come.
    Received {
        /// The request.
        id: String,
        /// Its address.
        url: String,
        /// The status.
        status: i64,
        /// Whether Cloudflare's own sign of a challenge is among the headers.
        is_challenge: bool,
    },
    /// A body has come.
    Finished {
        /// The request.
        id: String,
    },
}

#[derive(Deserialize)]
struct Told<P> {
    params: P,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    request_id: String,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    url: String,
    status: i64,
    headers: Headers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finished {
    request_id: String,
}

impl Event {
    /// Reads one of the two; others, and what is not of their form, are passed over.
    pub(super) fn read(method: &str, message: &[u8]) -> Option<Self> {
        match method {
            "Network.responseReceived" => {
                let Told { params: Received { request_id: id, response } } =
                    serde_json::from_slice(message).ok()?;
                let Response { url, status, headers: Headers { is_challenge } } = response;
                Some(Self::Received { id, url, status, is_challenge })
            }
            "Network.loadingFinished" => {
                let told: Told<Finished> = serde_json::from_slice(message).ok()?;
                Some(Self::Finished { id: told.params.request_id })
            }
            _ => None,
        }
    }
}

/// Headers, of which only one matters: none is kept. The sign of a challenge is described at
/// <https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/>.
struct Headers {
    is_challenge: bool,
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Headers;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut is_challenge = false;
                while let Some(name) = map.next_key::<String>()? {
                    if name.eq_ignore_ascii_case("cf-mitigated") {
                        is_challenge |= map.next_value::<String>()? == "challenge";
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Headers { is_challenge })
            }
        }
        deserializer.deserialize_map(Reads)
    }
}
