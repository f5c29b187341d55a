//! Letters go to a local server and come out whole.

use std::time::Duration;

use mail::testing::Smtpd;
use mail::{Address, Attachment, Letter, MailError, Mailer, SmtpSettings, Tls};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn letter() -> Letter {
    Letter {
        from: Address::new("Truhlářství Dub, s.r.o.", "dub@example.com"),
        reply_to: Some(Address::new("", "odpovedi@example.com")),
        to: vec![Address::new("Žofie Ťuhýková", "zofie@example.org"), Address::new("", "nakup@example.org")],
        subject: "Faktura č. 2026/12 – děkujeme za objednávku a těšíme se na další spolupráci v novém roce".into(),
        text: "Dobrý den,\n\nposíláme fakturu.\n.\n..konec\n".to_owned() + &"dlouhý řádek ".repeat(200),
        html: None,
        attachments: vec![],
        message_id: "17.4@example.com".into(),
        in_reply_to: Some("16@example.org".into()),
    }
}

#[test]
fn a_letter_arrives_whole() -> Outcome {
    let server = Smtpd::start()?;
    let mailer = Mailer::new(&server.settings())?;
    mailer.check()?;
    let file = Attachment {
        name: "Faktura č. 12.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: (0..=255).cycle().take(100_000).collect(),
    };
    let table = Attachment { name: "a/b.csv".into(), media_type: "no type".into(), bytes: "a;b\n.\n1;2\n".into() };
    let html = Some("<p>Dobrý <b>den</b></p>".to_owned());
    let whole = Letter { html: html.clone(), attachments: vec![file.clone(), table.clone()], ..letter() };
    mailer.send(&letter())?;
    mailer.send(&whole)?;
    mailer.send(&Letter { html, ..letter() })?;
    let letters = server.wait_for(3, Duration::from_secs(5));
    assert_eq!(letters.len(), 3);
    for received in &letters {
        assert_eq!(received.from, "dub@example.com");
        assert_eq!(received.to, ["zofie@example.org", "nakup@example.org"]);
        assert_eq!(received.header("Subject").as_deref(), Some(letter().subject.as_str()));
        assert_eq!(received.header("message-id").as_deref(), Some("<17.4@example.com>"));
        assert_eq!(received.header("In-Reply-To").as_deref(), Some("<16@example.org>"));
        assert!(received.header("From").is_some_and(|from| from.contains("Truhlářství Dub, s.r.o.")));
        assert!(received.header("To").is_some_and(|to| to.contains("Žofie Ťuhýková") && to.contains("nakup@")));
        assert_eq!(received.text(), letter().text.trim_end());
    }
    assert_eq!(letters[0].attachments(), []);
    assert_eq!(letters[0].html(), "");
    assert_eq!(letters[2].html(), "<p>Dobrý <b>den</b></p>");
    let attached = letters[1].attachments();
    assert_eq!(attached.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [file.name.as_str(), "a b.csv"]);
    assert!(attached[0].1 == file.bytes);
    server.clear();
    assert_eq!(server.letters(), []);
    Ok(())
}

#[test]
fn refusals_tell_whether_to_try_again() -> Outcome {
    let server = Smtpd::start()?;
    let mailer = Mailer::new(&server.settings())?;
    server.refuse(Some(451));
    assert!(matches!(mailer.send(&letter()), Err(MailError { temporary: true, code: Some(451), .. })));
    server.refuse(Some(550));
    assert!(matches!(mailer.send(&letter()), Err(MailError { temporary: false, code: Some(550), .. })));
    server.refuse(None);
    mailer.send(&letter())?;
    assert_eq!(server.letters().len(), 1);
    let port = server.port();
    drop(server);
    let gone =
        Mailer::new(&SmtpSettings { host: "127.0.0.1".into(), port, tls: Tls::None, user: None, password: None })?;
    assert!(gone.send(&letter()).is_err_and(|error| error.temporary && error.code.is_none()));
    assert!(gone.check().is_err());
    Ok(())
}

#[test]
fn passwords_are_kept() -> Outcome {
    let server = Smtpd::start()?;
    let user = Some("dub".to_owned());
    let secret = SmtpSettings { user, password: Some("tajné heslo".into()), ..server.settings() };
    Mailer::new(&secret)?.send(&letter())?;
    assert!(!format!("{secret:?}").contains("heslo"));
    let afar = SmtpSettings { host: "mail.example.com".into(), ..secret.clone() };
    assert!(
        Mailer::new(&afar).is_err_and(|error| !error.temporary),
        "a password must not leave the machine unprotected"
    );
    assert!(Mailer::new(&SmtpSettings { tls: Tls::StartTls, ..afar.clone() }).is_ok());
    assert!(Mailer::new(&SmtpSettings { tls: Tls::Tls, ..afar }).is_ok());
    assert!(Mailer::new(&SmtpSettings::default()).is_err());
    // A server that does not offer TLS gets neither letter nor password.
    let strict = Mailer::new(&SmtpSettings { tls: Tls::StartTls, ..secret })?;
    assert!(strict.send(&letter()).is_err());
    assert_eq!(server.letters().len(), 1);
    Ok(())
}
