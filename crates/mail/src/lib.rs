//! Mail out: a letter, a mailer that hands it to an SMTP server (RFC 5321), and a small server for tests.
//!
//! The calls block; run them on a worker thread, not inside an asynchronous task. Texts of a letter cannot become headers:
//! addresses and the message's identification are checked, other texts lose their control characters before they are
//! encoded.

mod letter;
mod mailer;
pub mod testing;

pub use letter::{Address, Attachment, Letter, MAX_BYTES, MAX_RECIPIENTS};
pub use mailer::{MailError, Mailer, SmtpSettings, Tls};
