//! What Twilio sends to us: whether it is Twilio who sends it, and what it tells.
//!
//! Source: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>. The signature is
//! base64(HMAC-SHA1(auth token, address + each form field's name and value, sorted by name)). It is made with
//! the account's **auth token**, never with an API key's secret. The address is the public one, exactly as it
//! was given to Twilio: behind a proxy it comes from the settings, not from the request. Signatures by a
//! shared key of its own with SHA-256, which an account may switch on, are not known here and are refused.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::MessageStatus;

/// Where Twilio tells what became of a message, below the public address.
pub const STATUS_PATH: &str = "/webhooks/twilio/status";
/// Where Twilio passes on what the person answers: to be set at the number, or at the messaging service.
pub const INBOUND_PATH: &str = "/webhooks/twilio/inbound";
/// The header that holds the signature.
pub const HEADER: &str = "x-twilio-signature";

fn key(token: &SecretString) -> hmac::Key {
    hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose_secret().as_bytes())
}

/// What is signed. A name that is repeated counts with each of its different values once.
fn signed(url: &str, fields: &[(String, String)]) -> Vec<u8> {
    let mut sorted: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let fields = sorted.into_iter().flat_map(|(name, value)| [name, value]);
    std::iter::once(url.as_bytes()).chain(fields).flatten().copied().collect()
}

/// The signature that Twilio would give a form that it posts to `url`.
#[must_use]
pub fn signature(token: &SecretString, url: &str, fields: &[(String, String)]) -> String {
    STANDARD.encode(hmac::sign(&key(token), &signed(url, fields)))
}

/// Whether Twilio posted this form to `url`. It may have signed the address with or without its port, so
/// both are tried. The comparison takes the same time however much is right.
#[must_use]
pub fn is_genuine(token: &SecretString, url: &str, fields: &[(String, String)], given: &str) -> bool {
    let Ok(given) = STANDARD.decode(given.trim()) else { return false };
    if token.expose_secret().is_empty() {
        // Anybody can sign with nothing.
        return false;
    }
    let key = key(token);
    addresses(url)
        .iter()
        .fold(false, |found, url| hmac::verify(&key, &signed(url, fields), &given).is_ok() | found)
}

/// The same for a body that is not a form, such as JSON: then the address, query included, carries the body's
/// hash as `bodySHA256`, and only the address is signed.
#[must_use]
pub fn is_genuine_body(token: &SecretString, url: &str, body: &[u8], given: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let Some(hash) = parsed.query_pairs().find_map(|(name, value)| (name == "bodySHA256").then_some(value))
    else {
        return false;
    };
    // The hash is no secret: who can see the address knows it. What proves the sender is the signature.
    hex(digest::digest(&SHA256, body).as_ref()) == hash.to_ascii_lowercase()
        && is_genuine(token, url, &[], given)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The address as it was given, without its port, and with it. Text is cut and pasted, because an address that
/// is parsed and written again may differ from what was signed.
fn addresses(url: &str) -> Vec<String> {
    // What follows `#` are wishes about the connection, which Twilio keeps to itself.
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let mut all = vec![url.to_owned()];
    let (Some(scheme), Ok(parsed)) = (url.find("://"), Url::parse(url)) else { return all };
    let start = scheme + 3;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let authority = &url[start..end];
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let with = |authority: &str| format!("{}{authority}{}", &url[..start], &url[end..]);
    all.push(with(host));
    all.extend(parsed.port_or_known_default().map(|port| with(&format!("{host}:{port}"))));
    all.dedup();
    all
}

/// What a status callback tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub sid: String,
    /// How far it has come; callbacks come out of order, twice, or not at all.
    pub status: MessageStatus,
    /// Why it failed.
    pub error_code: Option<u32>,
}

impl Delivery {
    /// Reads a callback's form; none where it is not one. Fields that are not known are passed over.
    #[must_use]
    pub fn read(fields: &[(String, String)]) -> Option<Self> {
        // An inbound message has a status too: `received`.
        let status = field(fields, "MessageStatus").or_else(|| field(fields, "SmsStatus"))?;
        if field(fields, "Body").is_some() {
            return None;
        }
        Some(Self {
            sid: field(fields, "MessageSid").or_else(|| field(fields, "SmsSid"))?.to_owned(),
            status: serde_json::from_value(status.into()).ok()?,
            error_code: field(fields, "ErrorCode").and_then(|code| code.parse().ok()),
        })
    }
}

/// What the person says about being written to. Twilio acts on these words by itself; here they are recorded.
///
/// Source: <https://help.twilio.com/articles/223134027>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// STOP and its like: Twilio refuses what is sent from now on ([`super::codes::OPTED_OUT`]).
    OptOut,
    /// START and its like.
    OptIn,
    /// HELP and INFO.
    Help,
}

/// Reads a text as a wish: the whole of it must be one of the words, in any case.
#[must_use]
pub fn wish_of(text: &str) -> Option<Wish> {
    const OPT_OUT: &[&str] = &["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"];
    const OPT_IN: &[&str] = &["START", "YES", "UNSTOP"];
    const HELP: &[&str] = &["HELP", "INFO"];
    let word = text.trim();
    let is_in = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    [(OPT_OUT, Wish::OptOut), (OPT_IN, Wish::OptIn), (HELP, Wish::Help)]
        .into_iter()
        .find_map(|(words, wish)| is_in(words).then_some(wish))
}

/// A message from the person. Its text and numbers are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The message; the same may come twice.
    pub sid: String,
    /// Whose number; with `whatsapp:` before it from there.
    pub from: String,
    /// To which of ours.
    pub to: String,
    /// The text.
    pub body: String,
    /// What it asks for, where it is one of the words for that.
    pub wish: Option<Wish>,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").field("sid", &self.sid).field("wish", &self.wish).finish_non_exhaustive()
    }
}

impl Inbound {
    /// Reads the form of an inbound message; none where it is not one, such as a status callback.
    #[must_use]
    pub fn read(fields: &[(String, String)]) -> Option<Self> {
        let body = field(fields, "Body")?;
        Some(Self {
            sid: field(fields, "MessageSid").or_else(|| field(fields, "SmsSid"))?.to_owned(),
            from: field(fields, "From")?.to_owned(),
            to: field(fields, "To").unwrap_or_default().to_owned(),
            body: body.to_owned(),
            wish: wish_of(body),
        })
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const BODY: &[u8] = br#"{"property": "value", "boolean": true}"#;

    fn token() -> SecretString {
        SecretString::from("12345")
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn form() -> Vec<(String, String)> {
        fields(&[
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("From", "+14158675309"),
            ("Digits", "1234"),
        ])
    }

    #[test]
    fn signatures_are_those_of_twilio_s_own_examples() {
        assert_eq!(signature(&token(), URL, &form()), FORM);
        assert!(is_genuine(&token(), URL, &form(), FORM));
        let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let url = format!("{URL}&bodySHA256={hash}");
        assert!(is_genuine_body(&token(), &url, BODY, "a9nBmqA0ju/hNViExpshrM61xv4="));
        assert!(!is_genuine_body(&token(), &url, b"{}", "a9nBmqA0ju/hNViExpshrM61xv4="));
        assert!(!is_genuine_body(&token(), URL, BODY, &signature(&token(), URL, &[])), "no hash, no proof");
    }

    #[test]
    fn what_is_forged_or_changed_is_refused() {
        let mut changed = form();
        changed[0].1.push('0');
        let mut longer = form();
        longer.extend(fields(&[("Extra", "1")]));
        assert!(!is_genuine(&token(), URL, &changed, FORM));
        assert!(!is_genuine(&token(), URL, &longer, FORM));
        assert!(!is_genuine(&token(), &URL.replace("bar=2", "bar=3"), &form(), FORM));
        assert!(!is_genuine(&SecretString::from("54321"), URL, &form(), FORM));
        let nothing = SecretString::from("");
        assert!(!is_genuine(&nothing, URL, &form(), &signature(&nothing, URL, &form())));
        for given in ["", "=", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "not base64!", "AAAA"] {
            assert!(!is_genuine(&token(), URL, &form(), given), "{given}");
        }
    }

    #[test]
    fn the_port_may_be_signed_or_not_and_repeated_fields_count_once() {
        for (signed, asked) in [
            ("https://a.example/x", "https://a.example:443/x"),
            ("https://a.example:443/x", "https://a.example/x"),
            ("http://a.example:80?q=1", "http://a.example?q=1"),
            ("https://a.example/x", "https://a.example:8443/x"),
            ("https://user:pw@a.example:443/x", "https://user:pw@a.example/x"),
            ("https://a.example/x", "https://a.example/x#rc=2&rp=all"),
            ("https://[::1]/x", "https://[::1]:443/x"),
        ] {
            assert!(is_genuine(&token(), asked, &[], &signature(&token(), signed, &[])), "{signed} {asked}");
        }
        assert!(!is_genuine(
            &token(),
            "https://a.example/x",
            &[],
            &signature(&token(), "http://a.example/x", &[])
        ));
        let once = fields(&[("a", "1"), ("a", "2")]);
        let twice = fields(&[("a", "2"), ("a", "1"), ("a", "2")]);
        assert_eq!(signature(&token(), URL, &once), signature(&token(), URL, &twice));
        // What Twilio's own Python library (9.13) says of this form.
        let form = fields(&[("Body", "grüße 😀"), ("a", "2"), ("a", "1"), ("a", "2"), ("B", ""), ("é", "x")]);
        assert_eq!(signature(&token(), "https://a.example/ü?x=1", &form), "BrHJrtLu3PL1hDqCa0OVq0kYNlY=");
    }

    #[test]
    fn a_callback_is_read_whatever_else_is_in_it() {
        let read = Delivery::read(&fields(&[
            ("SmsSid", "SM1"),
            ("MessageStatus", "undelivered"),
            ("ErrorCode", "30003"),
            ("RawDlrDoneDate", "2608311000"),
        ]));
        let expected =
            Delivery { sid: "SM1".into(), status: MessageStatus::Undelivered, error_code: Some(30003) };
        assert_eq!(read, Some(expected));
        assert_eq!(Delivery::read(&fields(&[("MessageSid", "SM1")])), None);
    }

    #[test]
    fn a_wish_is_the_whole_text_and_nothing_else() {
        for (text, wish) in [
            ("STOP", Some(Wish::OptOut)),
            ("  stop\n", Some(Wish::OptOut)),
            ("Unsubscribe", Some(Wish::OptOut)),
            ("start", Some(Wish::OptIn)),
            ("YES", Some(Wish::OptIn)),
            ("help", Some(Wish::Help)),
            ("please stop", None),
            ("STOP.", None),
            ("stopp", None),
            ("", None),
        ] {
            assert_eq!(wish_of(text), wish, "{text:?}");
        }
    }

    #[test]
    fn a_message_from_the_person_is_told_from_a_callback_and_is_not_shown() {
        let inbound = fields(&[
            ("MessageSid", "SM1"),
            ("SmsStatus", "received"),
            ("From", "+15558675310"),
            ("To", "+15005550006"),
            ("Body", " Stop "),
            ("NumMedia", "0"),
        ]);
        let read = Inbound::read(&inbound).unwrap();
        assert_eq!((read.from.as_str(), read.wish), ("+15558675310", Some(Wish::OptOut)));
        assert_eq!(format!("{read:?}"), r#"Inbound { sid: "SM1", wish: Some(OptOut), .. }"#);
        assert_eq!(Delivery::read(&inbound), None);
        assert_eq!(Inbound::read(&fields(&[("MessageSid", "SM1"), ("MessageStatus", "sent")])), None);
    }
}
