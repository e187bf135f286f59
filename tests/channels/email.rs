//! Mail against a mail server: before the final dot nothing was sent, after it only an answer tells.

use super::*;

fn settings(server: &Smtp) -> config::Email {
    config::Email {
        server: Some(server.address.ip().to_string()),
        port: NonZeroU16::new(server.address.port()),
        tls: EmailTls::None,
        username: Some(config::Login::new(smtp::USER)),
        password: Some(Secret::new(smtp::PASSWORD)),
        from: Some(EmailAddress::new("mecris@example.com")),
        to: Some(EmailAddress::new("marked.ada@example.com")),
        ..config::Email::default()
    }
}

fn client(server: &Smtp) -> Email {
    Email::of(&settings(server), policy(), nobody()).unwrap().unwrap()
}

fn letter(id: &str) -> Letter {
    Letter {
        id: id.into(),
        subject: "marked subject: größer".into(),
        text: "marked text\n.\nits end\n".into(),
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_with_an_id_made_from_the_attempt() {
    let server = Smtp::start();
    let client = client(&server);
    client.verify().await.unwrap();
    assert_eq!(server.world.lock().mails, []);
    client.send(&letter("attempt-1")).await.unwrap();
    client.send(&letter("attempt-1")).await.unwrap();
    let mails = server.world.lock().mails.clone();
    assert_eq!((mails[0].from.as_str(), mails[0].to.len()), ("mecris@example.com", 1));
    assert_eq!(mails[0].to[0], "marked.ada@example.com");
    for mail in &mails {
        let (head, text) = mail.data.split_once("\n\n").unwrap();
        assert!(head.contains("Message-ID: <attempt-1@example.com>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("\nDate: "), "{head}");
        assert!(head.contains("Subject: ") && head.is_ascii(), "{head}");
        assert_eq!(text.trim_end(), "marked text\n.\nits end", "a dot alone does not end it");
    }
    // A line break in a subject would be another header.
    let sly = Letter { subject: "one\r\nBcc: eve@example.com".into(), ..letter("attempt-2") };
    client.send(&sly).await.unwrap();
    let data = server.world.lock().mails[2].data.clone();
    assert!(!data.lines().any(|line| line.starts_with("Bcc")), "{data}");
    assert_eq!(client.send(&letter("a@b>")).await.unwrap_err().kind(), "invalid");
}

#[tokio::test]
async fn each_refusal_at_each_step_says_whether_it_may_be_sent_again() {
    let server = Smtp::start();
    let mut steps = 0;
    for step in ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT"] {
        for (reply, kind, class) in [
            (Reply::Say("451 4.3.0 marked later"), "rate-limited", Class::Later),
            (Reply::Say("554 5.7.1 marked never"), "rejected", Class::Permanent),
            (Reply::Say("marked nonsense"), "unreachable", Class::Later),
            (Reply::Cut, "unreachable", Class::Later),
            (Reply::Silent, "unreachable", Class::Later),
        ] {
            // A login that is refused for ever is the person's to mend; and after the dot silence may be a yes.
            let (kind, class) = match (step, kind) {
                ("AUTH", "rejected") => ("unauthorized", class),
                ("DOT", "unreachable") => ("unanswered", Class::MaybeDelivered),
                _ => (kind, class),
            };
            server.reply(step, Some(reply.clone()));
            let error = client(&server).send(&letter("attempt")).await.unwrap_err();
            assert_eq!((error.kind(), error.class()), (kind, class), "{step} {reply:?}: {error}");
            keeps_quiet(&error);
            server.reply(step, None);
            steps += 1;
        }
    }
    assert_eq!(steps, 35);
    // Taken, and the answer cut off or never given: that is the hazard, and each was sent once only.
    let taken = server.world.lock().mails.len();
    assert_eq!(taken, 2);
    client(&server).send(&letter("attempt")).await.unwrap();
}

#[tokio::test]
async fn a_wrong_login_is_one_clear_state() {
    let server = Smtp::start();
    let wrong = config::Email { password: Some(Secret::new("marked wrong")), ..settings(&server) };
    let email = Email::of(&wrong, policy(), nobody()).unwrap().unwrap();
    let error = email.send(&letter("a")).await.unwrap_err();
    assert!(error.is_refused_key(), "{error}");
    assert!(error.to_string().contains("(SMTP 535); set email.username"), "{error}");
    keeps_quiet(&error);
    assert_eq!(server.world.lock().connections, 1, "it is not tried again");
    assert!(email.verify().await.unwrap_err().is_refused_key());
    let none = config::Email { username: None, password: None, ..settings(&server) };
    let email = Email::of(&none, policy(), nobody()).unwrap().unwrap();
    assert!(email.send(&letter("a")).await.unwrap_err().is_refused_key(), "530");
    server.world.lock().is_open = true;
    email.send(&letter("a")).await.unwrap();
}

#[tokio::test]
async fn a_password_crosses_no_network_in_the_open() {
    let server = Smtp::start();
    let far = config::Email { server: Some("smtp.example.com".into()), ..settings(&server) };
    let error = Email::of(&far, policy(), nobody()).unwrap_err();
    assert!(error.to_string().contains("email.tls"), "{error}");
    // A server that offers no STARTTLS where it is wanted gets neither a password nor a mail.
    let starttls = config::Email { tls: EmailTls::StartTls, ..settings(&server) };
    let error =
        Email::of(&starttls, policy(), nobody()).unwrap().unwrap().send(&letter("a")).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), ("invalid", Class::Permanent), "{error}");
    assert_eq!(server.world.lock().mails, []);
    // One that speaks no TLS where it is wanted from the first byte on is as good as not there.
    let implicit = config::Email { tls: EmailTls::Implicit, ..settings(&server) };
    let error = Email::of(&implicit, policy(), nobody()).unwrap().unwrap().verify().await.unwrap_err();
    assert_eq!(error.class(), Class::Later, "{error}");
}

#[tokio::test]
async fn a_mail_server_that_is_not_there_opens_the_breaker() {
    let server = Smtp::start();
    let nobody_there = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = config::Email { port: NonZeroU16::new(nobody_there.port()), ..settings(&server) };
    let email = Email::of(&gone, policy(), nobody()).unwrap().unwrap();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(email.send(&letter("a")).await.unwrap_err().kind());
    }
    assert_eq!(kinds, ["unreachable", "breaker-open", "breaker-open"], "three tries, then two and no more");
    assert_eq!(email.outside().breaker(), BreakerState::Open);
}
