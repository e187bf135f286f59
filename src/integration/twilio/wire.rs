//! Twilio's records as they are on the wire. Texts and numbers are not shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::money::Picodollars;
use crate::integration::resilience::{Answer, OutsideError};
use crate::integration::rows::{Field, Listed, Oddness, Raw, odd};

use super::SYSTEM;

/// A message to send.
#[derive(Clone)]
pub struct Outgoing {
    /// In E.164 form, with `whatsapp:` before it for WhatsApp.
    pub to: String,
    /// Where it comes from.
    pub from: Sender,
    /// At most 1,600 characters.
    pub body: String,
    /// Where Twilio shall tell what became of it.
    pub status_callback: Option<String>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// Where a message comes from.
#[derive(Clone)]
pub enum Sender {
    /// A number in E.164 form, with `whatsapp:` before it for WhatsApp.
    Number(String),
    /// A messaging service, `MG…`.
    Service(String),
}

/// An approved template with its variables. They hold the message's text, so they are not shown.
#[derive(Clone)]
pub struct Content {
    /// `HX…`
    pub sid: String,
    /// A JSON object.
    pub variables: String,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// Whether an address is one on WhatsApp.
#[must_use]
pub fn is_on_whatsapp(address: &str) -> bool {
    address.starts_with("whatsapp:")
}

/// A number's address on WhatsApp.
#[must_use]
pub fn on_whatsapp(number: &str) -> String {
    format!("whatsapp:{number}")
}

/// How far a message has come. Twilio may tell of it out of order: see [`MessageStatus::rank`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Taken, for a messaging service.
    Accepted,
    /// Taken, for later.
    Scheduled,
    /// Taken.
    Queued,
    /// On its way.
    Sending,
    /// With the carrier; some carriers say no more than this.
    Sent,
    /// With the phone.
    Delivered,
    /// With some of the phones.
    PartiallyDelivered,
    /// Read; WhatsApp tells.
    Read,
    /// The carrier gave it up.
    Undelivered,
    /// Twilio gave it up.
    Failed,
    /// It was called back.
    Canceled,
    /// From a phone, on its way to us.
    Receiving,
    /// From a phone.
    Received,
    /// One that this program does not know.
    #[serde(untagged)]
    Other(String),
}

impl MessageStatus {
    /// Its place in a message's life: a status of a lower rank than one that is known already is old news.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Other(_) => 0,
            Self::Accepted | Self::Scheduled => 1,
            Self::Queued | Self::Receiving => 2,
            Self::Sending => 3,
            Self::Sent => 4,
            Self::Undelivered | Self::Failed | Self::Canceled | Self::Received | Self::PartiallyDelivered => {
                5
            }
            Self::Delivered => 6,
            Self::Read => 7,
        }
    }

    /// Whether it will not arrive.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed | Self::Canceled)
    }

    /// Whether it still waits at Twilio.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending)
    }

    /// Whether it has arrived.
    #[must_use]
    pub fn is_delivery(&self) -> bool {
        matches!(self, Self::Delivered | Self::Read | Self::PartiallyDelivered)
    }

    /// Whether nothing follows. [`MessageStatus::Sent`] may be the last, but need not.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_failure() || self.is_delivery() || *self == Self::Received
    }
}

/// A message as Twilio has it. Without its id and its status it is none; what else is odd is passed over.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `SM…` or `MM…`
    pub sid: String,
    /// How far it has come.
    pub status: MessageStatus,
    /// To whom; empty where it is not told.
    pub to: String,
    /// From whom; at first unknown where a messaging service chooses.
    pub from: Option<String>,
    /// The text; Twilio may have put a trial account's prefix before it.
    pub body: Option<String>,
    /// Why it failed: see [`super::codes`].
    pub error_code: Option<u32>,
    /// In how many parts it was sent; a number as text, `"0"` at first where a messaging service chooses.
    pub num_segments: Option<String>,
    /// What it cost: a negative decimal number as text, once it is billed.
    pub price: Option<String>,
    /// The price's currency, such as `USD`.
    pub price_unit: Option<String>,
    /// When it was taken: RFC 2822.
    pub date_created: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// What a trial account puts before every text.
const TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";

/// Reads one message.
///
/// # Errors
/// [`OutsideError::Malformed`]: it has no id, or no status.
pub fn message(answer: &Answer) -> Result<Message, OutsideError> {
    let malformed = |_| OutsideError::Malformed { system: SYSTEM, what: "field sid or status" };
    answer.rows(|row| Message::of(row).map_err(malformed))
}

impl Message {
    fn of(row: &Raw<'_>) -> Field<Self> {
        row.must_be_object("row")?;
        let status: MessageStatus = serde_json::from_value(row.string("status")?.into())
            .map_err(|_| odd("status", Oddness::Other))?;
        // A code comes as a number, in some answers as text.
        let code = row.count("error_code").ok().or_else(|| row.string("error_code").ok()?.parse().ok());
        Ok(Self {
            sid: row.string("sid")?,
            status,
            to: row.string("to").unwrap_or_default(),
            from: row.string("from").ok(),
            body: row.string("body").ok(),
            error_code: code.and_then(|code| u32::try_from(code).ok()),
            num_segments: row.string("num_segments").ok(),
            price: row.string("price").ok(),
            price_unit: row.string("price_unit").ok(),
            date_created: row.string("date_created").ok(),
        })
    }

    /// When it was taken.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        Some(jiff::fmt::rfc2822::parse(self.date_created.as_deref()?).ok()?.timestamp())
    }

    /// What it cost, once it is billed; none where that is not in USD.
    #[must_use]
    pub fn cost(&self) -> Option<Picodollars> {
        if self.price_unit.as_deref().is_some_and(|unit| !unit.eq_ignore_ascii_case("USD")) {
            return None;
        }
        let price = self.price.as_deref()?.trim();
        Picodollars::parse(price.strip_prefix('-').unwrap_or(price)).ok()
    }

    /// In how many parts it was sent; none where that is not known yet.
    #[must_use]
    pub fn segments(&self) -> Option<u32> {
        self.num_segments.as_deref()?.parse().ok().filter(|count| *count > 0)
    }

    /// The text as it was handed over: without what a trial account puts before it.
    #[must_use]
    pub fn text(&self) -> &str {
        let body = self.body.as_deref().unwrap_or_default();
        body.strip_prefix(TRIAL_PREFIX).unwrap_or(body)
    }
}

/// Messages that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The newest first.
    pub messages: Vec<Message>,
    /// Whether all there are were looked at; otherwise there were more than are read, or some that could not be read.
    pub is_complete: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// `Trial` or `Full`.
    pub kind: Option<String>,
}

/// Reads an account.
///
/// # Errors
/// [`OutsideError::Malformed`]: it has no status.
pub fn account(answer: &Answer) -> Result<Account, OutsideError> {
    answer.rows(|told| {
        let malformed = |_| OutsideError::Malformed { system: SYSTEM, what: "field status" };
        Ok(Account { status: told.string("status").map_err(malformed)?, kind: told.string("type").ok() })
    })
}

/// What is left of prepaid money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// A decimal number as text.
    pub balance: String,
    /// Such as `USD`.
    pub currency: String,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Those that could be read.
    pub messages: Listed<Message>,
    /// Where the next one is.
    pub next_page_uri: Option<String>,
}

/// Reads a page of messages.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is none.
pub fn page(answer: &Answer) -> Result<Page, OutsideError> {
    answer.rows(|told| {
        let mut messages = Listed::default();
        let listed = told
            .list("messages", |number, row| messages.take(&format!("messages[{number}]"), Message::of(row)));
        listed.map_err(|_| OutsideError::Malformed { system: SYSTEM, what: "field messages" })?;
        let next_page_uri = messages.odd.maybe("page", told.string("next_page_uri"));
        Ok(Page { messages, next_page_uri })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::of_body(SYSTEM, body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    fn read(body: &str) -> Result<Message, OutsideError> {
        message(&answer(body))
    }

    #[test]
    fn an_odd_message_takes_no_other_with_it_and_an_odd_field_no_message() {
        let good = r#"{"sid":"SM2","status":"sent","to":"+1"}"#;
        let fields =
            ["from", "body", "error_code", "num_segments", "price", "price_unit", "date_created", "to"];
        for value in ["null", "{}", "[1]", "1e999", "true"] {
            for field in fields {
                let text = format!(r#"{{"sid":"SM1","status":"failed","{field}":{value}}}"#);
                let page = page(&answer(&format!(r#"{{"messages":[{text},{good}],"next_page_uri":null}}"#)))
                    .unwrap();
                assert_eq!((page.messages.len(), page.messages.odd.rows()), (2, 0), "{field} {value}");
            }
            for field in ["sid", "status"] {
                let text = format!(r#"{{"sid":"SM1","status":"failed","{field}":{value}}}"#);
                let page = page(&answer(&format!(r#"{{"messages":[{text},{good},{value}]}}"#))).unwrap();
                assert_eq!((page.messages.len(), page.messages.odd.rows()), (1, 2), "{field} {value}");
                let text = page.messages.odd.text().unwrap();
                assert!(text.starts_with(&format!("messages[0]: field {field} is ")), "{text}");
            }
        }
        assert_eq!(
            read(r#"{"sid":"SM1","status":"failed","error_code":"30007"}"#).unwrap().error_code,
            Some(30_007)
        );
    }

    #[test]
    fn a_status_that_is_not_known_is_no_error_and_old_news_is_told_from_new() {
        let read = |text: &str| serde_json::from_str::<MessageStatus>(&format!("\"{text}\"")).unwrap();
        assert_eq!(read("partially_delivered"), MessageStatus::PartiallyDelivered);
        assert_eq!(read("teleported"), MessageStatus::Other("teleported".into()));
        let life = ["accepted", "queued", "sending", "sent", "delivered", "read"].map(read);
        assert!(life.is_sorted_by(|one, next| one.rank() < next.rank()));
        assert!(life[3].rank() < read("undelivered").rank() && !life[3].is_final());
        assert!(read("failed").is_failure() && read("read").is_delivery() && !read("teleported").is_final());
    }

    #[test]
    fn a_message_shows_neither_text_nor_numbers() {
        let text = r#"{"sid":"SM1","status":"queued","to":"+15558675310","from":null,"date_sent":null,
            "body":"Sent from your Twilio trial account - dear diary","num_segments":"1","error_code":null,
            "date_created":"Mon, 31 Aug 2026 10:00:00 +0000"}"#;
        let message = read(text).unwrap();
        assert_eq!(message.created_at().unwrap().to_string(), "2026-08-31T10:00:00Z");
        assert_eq!(message.text(), "dear diary");
        assert_eq!((message.cost(), message.segments()), (None, Some(1)));
        let out = Outgoing {
            to: message.to.clone(),
            from: Sender::Number("+15005550006".into()),
            body: "dear diary".into(),
            status_callback: None,
        };
        let shown = format!("{message:?} {out:?}");
        assert!(!shown.contains("555") && !shown.contains("diary"), "{shown}");
    }

    #[test]
    fn what_a_message_cost_is_exact_and_no_other_currency_s() {
        let cost = |price: &str, unit: &str| {
            let text = format!(
                r#"{{"sid":"SM1","status":"sent","to":"","price":{price},"price_unit":{unit},"num_segments":"0"}}"#
            );
            read(&text).unwrap().cost().map(Picodollars::exact)
        };
        assert_eq!(cost(r#""-0.00790""#, r#""USD""#).as_deref(), Some("0.0079"));
        assert_eq!(cost(r#""-0.0079""#, "null").as_deref(), Some("0.0079"));
        assert_eq!(cost(r#""-0.0079""#, r#""EUR""#), None);
        assert_eq!((cost("null", r#""USD""#), cost(r#""cheap""#, r#""USD""#)), (None, None));
    }
}
