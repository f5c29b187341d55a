//! A letter and its form on the wire.

use lettre::message::header::ContentType;
use lettre::message::{Attachment as AttachmentPart, Mailbox, Message, MultiPart, SinglePart};

use crate::MailError;

/// A letter has at most so many recipients.
pub const MAX_RECIPIENTS: usize = 100;
/// The texts and attachments of a letter have together at most so many bytes (before the encoding, which adds a third).
pub const MAX_BYTES: usize = 25 * 1024 * 1024;

/// A mail address with the name of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The name shown; may be empty.
    pub name: String,
    /// The address itself (RFC 5321, `local@domain`).
    pub email: String,
}

impl Address {
    /// An address with a name; the name may be empty.
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Self {
        Self { name: name.into(), email: email.into() }
    }

    fn mailbox(&self) -> Result<Mailbox, MailError> {
        let email: lettre::Address = self
            .email
            .trim()
            .parse()
            .map_err(|_| MailError::refused(format!("not a mail address: {:.100}", one_line(&self.email))))?;
        let name = one_line(&self.name);
        Ok(Mailbox::new((!name.is_empty()).then_some(name), email))
    }
}

/// A file sent with a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name; directories and control characters are taken out.
    pub name: String,
    /// The media type (RFC 6838), such as `application/pdf`; what is none becomes `application/octet-stream`.
    pub media_type: String,
    /// What is in the file.
    pub bytes: Vec<u8>,
}

/// A letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// Who writes.
    pub from: Address,
    /// Whom answers should go to, when not to `from`.
    pub reply_to: Option<Address>,
    /// Who gets it: at least one, at most [`MAX_RECIPIENTS`]; all see each other.
    pub to: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same text as HTML, for those who read HTML.
    pub html: Option<String>,
    /// Files sent with it.
    pub attachments: Vec<Attachment>,
    /// The identification (RFC 5322, `local@domain`, without angle brackets). A letter sent again after a doubtful failure
    /// keeps it, so that a mail server can tell the copies.
    pub message_id: String,
    /// The identification of the letter that this one answers.
    pub in_reply_to: Option<String>,
}

impl Letter {
    /// The letter as it goes to the server (RFC 5322 and MIME), with the present time as its date.
    ///
    /// # Errors
    /// An address or identification is not valid, there are no or too many recipients, or the letter is too large. None of
    /// these is [temporary](MailError::temporary).
    pub fn to_bytes(&self) -> Result<Vec<u8>, MailError> {
        self.message().map(|message| message.formatted())
    }

    pub(crate) fn message(&self) -> Result<Message, MailError> {
        if self.to.is_empty() || self.to.len() > MAX_RECIPIENTS {
            return Err(MailError::refused(format!("a letter has 1 to {MAX_RECIPIENTS} recipients")));
        }
        let html = self.html.as_ref().map_or(0, String::len);
        let files: usize = self.attachments.iter().map(|file| file.bytes.len()).sum();
        if self.text.len().saturating_add(html).saturating_add(files) > MAX_BYTES {
            return Err(MailError::refused(format!("the letter is larger than {} MB", MAX_BYTES / 1024 / 1024)));
        }
        let mut builder = Message::builder()
            .date_now()
            .from(self.from.mailbox()?)
            .subject(one_line(&self.subject))
            .message_id(Some(identification(&self.message_id)?));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.mailbox()?);
        }
        if let Some(id) = &self.in_reply_to {
            let id = identification(id)?;
            builder = builder.in_reply_to(id.clone()).references(id);
        }
        for to in &self.to {
            builder = builder.to(to.mailbox()?);
        }
        let message = match (&self.html, self.attachments.as_slice()) {
            (None, []) => builder.singlepart(SinglePart::plain(self.text.clone())),
            (Some(html), []) => builder.multipart(self.alternatives(html)),
            (html, files) => {
                let mixed = match html {
                    None => MultiPart::mixed().singlepart(SinglePart::plain(self.text.clone())),
                    Some(html) => MultiPart::mixed().multipart(self.alternatives(html)),
                };
                builder.multipart(files.iter().fold(mixed, |mixed, file| mixed.singlepart(part(file))))
            }
        };
        message.map_err(|error| MailError::refused(error.to_string()))
    }

    fn alternatives(&self, html: &str) -> MultiPart {
        MultiPart::alternative_plain_html(self.text.clone(), html.to_owned())
    }
}

fn part(file: &Attachment) -> SinglePart {
    let name = one_line(&file.name.replace(['/', '\\', '"'], " "));
    let name = if name.is_empty() { "file".to_owned() } else { name };
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let sound =
        Some(file.media_type.as_str()).filter(|text| text.chars().all(plain) && !text.starts_with("multipart/"));
    let kind = sound
        .and_then(|text| ContentType::parse(text).ok())
        .or_else(|| ContentType::parse("application/octet-stream").ok());
    AttachmentPart::new(name).body(file.bytes.clone(), kind.unwrap_or(ContentType::TEXT_PLAIN))
}

/// The text on one line: control characters and line separators become spaces, spaces run together.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An identification in angle brackets, when it is one: `dot-atom@dot-atom`.
fn identification(id: &str) -> Result<String, MailError> {
    let atom = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed)
    };
    match id.split_once('@') {
        Some((local, domain)) if id.len() <= 250 && atom(local) && atom(domain) => Ok(format!("<{id}>")),
        _ => Err(MailError::refused("the identification of the letter is not valid".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            from: Address::new("Pila Dub", "pila@example.com"),
            to: vec![Address::new("", "nakup@example.org")],
            subject: "Faktura".into(),
            text: "Dobrý den".into(),
            message_id: "1.2@example.com".into(),
            ..Letter::default()
        }
    }

    fn headers(letter: &Letter) -> String {
        let text = letter.to_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        text.split("\r\n\r\n").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn no_text_becomes_a_header() {
        let evil = "x\r\nBcc: spy@example.net\r\n\r\nbody\u{2028}\u{0}\u{b}";
        let mut letter = Letter { subject: evil.into(), ..letter() };
        letter.from.name = evil.into();
        letter.to[0].name = format!("\"{evil}\" <a@example.com>,");
        letter.reply_to = Some(Address::new(evil, "a@example.com"));
        letter.attachments = vec![Attachment { name: evil.into(), media_type: evil.into(), bytes: evil.into() }];
        let whole = letter.to_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        assert!(!whole.is_empty());
        assert!(!whole.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{whole}");
        let names: Vec<_> = headers(&letter).lines().filter_map(|l| Some(l.split_once(':')?.0.to_owned())).collect();
        for name in names.iter().filter(|name| !name.starts_with(' ')) {
            let known = ["Date", "From", "Subject", "Message-ID", "Reply-To", "To", "MIME-Version", "Content-Type"];
            assert!(known.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        let refused = |letter: Letter| letter.to_bytes().is_err_and(|error| !error.temporary);
        for email in ["", "a", "a@b\r\nBcc: c@d.cz", "a b@c.cz", "a@b, c@d", "<a@b.cz>", "a@b.cz\n>"] {
            let bad = Address::new("", email);
            let trimmed = email.trim() != email;
            assert!(refused(Letter { to: vec![bad.clone()], ..letter() }) || trimmed, "{email}");
            assert!(refused(Letter { from: bad, ..letter() }) || trimmed, "{email}");
        }
        for id in ["", "a", "@", "a@", "a@b\r\nX: y", "<a@b>", "a@b@c", "ž@b"] {
            assert!(refused(Letter { message_id: id.into(), ..letter() }), "{id}");
            assert!(refused(Letter { in_reply_to: Some(id.into()), ..letter() }), "{id}");
        }
        assert!(refused(Letter { to: vec![], ..letter() }));
        assert!(refused(Letter { to: vec![Address::new("", "a@b.cz"); MAX_RECIPIENTS + 1], ..letter() }));
        assert!(refused(Letter { text: "a".repeat(MAX_BYTES + 1), ..letter() }));
        assert!(letter().to_bytes().is_ok());
    }
}
