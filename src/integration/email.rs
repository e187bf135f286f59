//! Mail by SMTP (RFC 5321), one connection for each message.
//!
//! Until the final dot nothing was sent, whatever goes wrong; after it, an answer that does not come leaves the
//! outcome unknown (RFC 1047 is about the duplicates of that). So the steps are made one by one here, and not by
//! lettre's transport, whose errors do not say how far it came. The Message-ID is made from the attempt's id:
//! the same message sent twice can be told by servers and readers.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, transport::smtp::Error};
use secrecy::{ExposeSecret, SecretString};

use crate::config::EmailTls;
use crate::config::secret::is_on_this_machine;
use crate::domain::alert::Channel;

use super::channel::{AlertChannel, ChannelKind, Finding, Outbound, Verified, boxed};
use super::official::Asking;
use super::resilience::{Body, EMAIL, OnBreaker, Outside, OutsideError, Policy, Repeat};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = EMAIL;
/// Mail as an alert channel.
pub const CHANNEL: ChannelKind = ChannelKind {
    system: SYSTEM,
    channels: &[Channel::Email],
    configure: "email.server, email.from and email.to",
    is_polled: false,
    client: |config, policy, on_breaker| boxed(Email::of(&config.email, policy, on_breaker)),
};
const FIX: &str =
    "set email.username and email.password; many providers want a password made for this program";
/// How long the server's farewell is waited for.
const QUIT_WAIT: Duration = Duration::from_secs(2);

/// A client for one person's mail; cheap to clone.
#[derive(Clone)]
pub struct Email {
    outside: Outside,
    server: String,
    port: u16,
    tls: EmailTls,
    login: Option<(String, SecretString)>,
    from: Address,
    to: Address,
    /// For everything before the final dot, and again for the answer to it.
    each: Duration,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("outside", &self.outside).finish_non_exhaustive()
    }
}

/// A mail to send.
#[derive(Clone)]
pub struct Letter {
    /// The attempt: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

const fn invalid(what: &'static str) -> OutsideError {
    OutsideError::Invalid { system: SYSTEM, what }
}

impl Email {
    /// A client; none where no server, sender or recipient is set.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`]: an address is not one, or the password would cross a network in the open.
    pub fn of(
        settings: &crate::config::Email,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Option<Self>, OutsideError> {
        let (Some(server), Some(from), Some(to)) = (&settings.server, &settings.from, &settings.to) else {
            return Ok(None);
        };
        let login = match (&settings.username, &settings.password) {
            (Some(name), Some(password)) => Some((name.expose().to_owned(), password.to_secret())),
            _ => None,
        };
        if settings.tls == EmailTls::None && login.is_some() && !is_on_this_machine(server) {
            return Err(invalid("its password would cross the network without encryption: set email.tls"));
        }
        let usual = match settings.tls {
            EmailTls::Implicit => 465,
            EmailTls::StartTls => 587,
            EmailTls::None => 25,
        };
        let port = settings.port.map_or(usual, std::num::NonZero::get);
        let base =
            if server.contains(':') { format!("smtp://[{server}]") } else { format!("smtp://{server}") };
        let base = reqwest::Url::parse(&base).map_err(|_| invalid("email.server is no name of a server"))?;
        // One try has two halves, each with a deadline of its own.
        let gate = Policy { each: policy.each * 2 + Duration::from_secs(1), ..policy };
        Ok(Some(Self {
            outside: Outside::new(SYSTEM, FIX, &base, None, gate, on_breaker)?,
            server: server.clone(),
            port,
            tls: settings.tls,
            login,
            from: from.expose().parse().map_err(|_| invalid("email.from is no address"))?,
            to: to.expose().parse().map_err(|_| invalid("email.to is no address"))?,
            each: policy.each,
        }))
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Sends a mail, once: by itself it is sent again only where it was surely not taken.
    ///
    /// # Errors
    /// [`OutsideError`]; a reply code of 4xx is [`OutsideError::RateLimited`], one of 5xx
    /// [`OutsideError::Rejected`], or [`OutsideError::Unauthorized`] where it is about the login.
    pub async fn send(&self, letter: &Letter) -> Result<(), OutsideError> {
        let message = self.compose(letter)?;
        let (envelope, bytes) = (message.envelope(), message.formatted());
        self.outside.attempt("smtp", Repeat::Never, || Box::pin(self.hand_over(envelope, &bytes))).await
    }

    /// Connects and logs in, and sends nothing.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn verify(&self) -> Result<(), OutsideError> {
        let look = || async {
            farewell(in_time(self.each, self.connect()).await?);
            Ok(())
        };
        self.outside.attempt("smtp", Repeat::Safe, || Box::pin(look())).await
    }

    fn compose(&self, letter: &Letter) -> Result<Message, OutsideError> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if letter.id.is_empty() || !letter.id.bytes().all(is_fit) {
            return Err(invalid("its id is no part of a Message-ID"));
        }
        let subject: String = letter.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // No answering machine shall answer (RFC 3834).
        let automatic =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        Message::builder()
            .from(Mailbox::new(Some("Mecris".to_owned()), self.from.clone()))
            .to(Mailbox::new(None, self.to.clone()))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .raw_header(automatic)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| invalid("it is no mail"))
    }

    async fn hand_over(&self, envelope: &Envelope, message: &[u8]) -> Result<(), OutsideError> {
        let mut connection = in_time(self.each, self.prepare(envelope)).await?;
        // From here on a silence may mean that it was taken.
        let answered = tokio::time::timeout(self.each, connection.message(message)).await;
        let unanswered = |reason| OutsideError::Unanswered { system: SYSTEM, reason };
        match answered {
            Err(_) => Err(unanswered("timeout")),
            Ok(Err(error)) => Err(refusal(&error).unwrap_or_else(|| unanswered("the connection ended"))),
            Ok(Ok(_)) => {
                farewell(connection);
                Ok(())
            }
        }
    }

    /// All up to the server's "go ahead".
    async fn prepare(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, OutsideError> {
        let mut connection = self.connect().await?;
        let mut parameters = Vec::new();
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !envelope.from().into_iter().chain(envelope.to()).all(is_ascii) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(invalid("its server takes no address with such letters"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        connection
            .command(Mail::new(envelope.from().cloned(), parameters))
            .await
            .map_err(|error| before(&error))?;
        for recipient in envelope.to() {
            connection
                .command(Rcpt::new(recipient.clone(), Vec::new()))
                .await
                .map_err(|error| before(&error))?;
        }
        connection.command(Data).await.map_err(|error| before(&error))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, OutsideError> {
        let tls = || TlsParameters::new(self.server.clone()).map_err(|_| invalid("no TLS can be made here"));
        let implicit = if self.tls == EmailTls::Implicit { Some(tls()?) } else { None };
        // The name of this machine is nobody's business: an address literal stands for it.
        let hello = ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST);
        let server = (self.server.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &hello, implicit, None)
            .await
            .map_err(|error| before(&error))?;
        if self.tls == EmailTls::StartTls {
            if !connection.can_starttls() {
                return Err(invalid("its server offers no STARTTLS: set email.tls to \"implicit\""));
            }
            connection.starttls(tls()?, &hello).await.map_err(|error| before(&error))?;
        }
        if let Some((name, password)) = &self.login {
            let credentials = Credentials::new(name.clone(), password.expose_secret().to_owned());
            let known = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&known).is_none() {
                return Err(invalid(
                    "its server takes no password by this way: check email.tls and email.port",
                ));
            }
            connection.auth(&known, &credentials).await.map_err(|error| match refusal(&error) {
                Some(OutsideError::Rejected { status, .. }) => unauthorized(status),
                _ => before(&error),
            })?;
        }
        Ok(connection)
    }
}

impl AlertChannel for Email {
    fn send<'a>(&'a self, outbound: &'a Outbound<'a>) -> Asking<'a, Option<Result<String, OutsideError>>> {
        Box::pin(async move {
            let (id, text) = (outbound.key.clone(), outbound.sending.text.clone());
            let letter = Letter { id: id.clone(), subject: outbound.title(), text };
            Some(Email::send(self, &letter).await.map(|()| id))
        })
    }

    fn verify(&self) -> Option<Asking<'_, Verified>> {
        Some(Box::pin(async move {
            let finding = match Email::verify(self).await {
                Ok(()) if self.login.is_none() => {
                    Finding::Works("the mail server answers; nobody logs in".to_owned())
                }
                Ok(()) => Finding::Works("the mail server takes the login".to_owned()),
                Err(OutsideError::Unreachable { reason, .. }) => Finding::Broken(
                    format!("the mail server cannot be reached ({reason})"),
                    "check email.server, email.port and email.tls",
                ),
                Err(error) => return Err(error),
            };
            Ok((finding, None))
        }))
    }
}

/// What comes too late before the final dot was not sent.
async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, OutsideError>>,
) -> Result<T, OutsideError> {
    let late = OutsideError::Unreachable { system: SYSTEM, reason: "timeout" };
    tokio::time::timeout(limit, work).await.unwrap_or(Err(late))
}

/// Says good-bye, for which nobody waits: what was taken is taken.
fn farewell(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(QUIT_WAIT, connection.quit()).await;
    });
}

fn unauthorized(status: u16) -> OutsideError {
    OutsideError::Unauthorized { system: SYSTEM, status, fix: FIX }
}

/// The server's own "no": nothing was taken, whenever it comes.
fn refusal(error: &Error) -> Option<OutsideError> {
    let status = u16::from(error.status()?);
    Some(match status {
        // "Authentication required", in place of the answer to another command (RFC 4954, section 6).
        530 => unauthorized(status),
        ..500 => OutsideError::RateLimited { system: SYSTEM, retry_after: None },
        _ => OutsideError::Rejected { system: SYSTEM, status, code: None, body: Body::default() },
    })
}

/// What goes wrong before the final dot. The texts of others are left out.
fn before(error: &Error) -> OutsideError {
    let reason = if error.is_tls() {
        "no TLS that both sides accept"
    } else if error.is_timeout() {
        "timeout"
    } else if error.is_response() {
        "the connection ended, or it does not speak SMTP"
    } else {
        "no connection"
    };
    refusal(error).unwrap_or(OutsideError::Unreachable { system: SYSTEM, reason })
}
