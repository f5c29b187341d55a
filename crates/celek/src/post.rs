//! Letters on their way out: from the outbox to a mail server.

use mail::{Address, Attachment, Letter, Mailer};
use server::{Outgoing, Sender};

/// Hands letters to a mail server, from one address in the name of the company that sends.
pub struct Post {
    mailer: Mailer,
    from: String,
}

impl Post {
    /// Letters leave through this server, from this address.
    pub fn new(mailer: Mailer, from: String) -> Self {
        Self { mailer, from }
    }
}

impl Sender for Post {
    fn send(&self, letter: &Outgoing) -> Result<(), (bool, String)> {
        let domain = self.from.rsplit('@').next().unwrap_or("localhost");
        let attachments = letter
            .attached
            .iter()
            .map(|a| Attachment { name: a.name.clone(), media_type: a.media_type.clone(), bytes: a.content.clone() })
            .collect();
        let letter = Letter {
            from: Address::new(letter.from.clone(), self.from.clone()),
            to: letter
                .to
                .split([',', ';'])
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(|t| Address::new("", t))
                .collect(),
            subject: letter.subject.clone(),
            text: letter.body.clone(),
            attachments,
            message_id: format!("celek-{}@{domain}", letter.id),
            ..Letter::default()
        };
        self.mailer.send(&letter).map_err(|e| (e.temporary, e.reason))
    }
}

#[cfg(test)]
#[path = "post/tests.rs"]
mod tests;
