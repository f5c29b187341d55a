//! Handing letters to a server.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as ClientTls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use crate::Letter;

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: for a server on the same machine, and for tests. A user and password are refused except there.
    None,
    /// The connection begins plain and must turn to TLS (RFC 3207); as a rule port 587.
    #[default]
    StartTls,
    /// TLS from the beginning (RFC 8314); as a rule port 465.
    Tls,
}

/// Where and how to hand over letters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SmtpSettings {
    /// The server's name, against which its certificate is checked too.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The protection of the connection.
    pub tls: Tls,
    /// The user to sign in as; none signs in nowhere.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Why a letter was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailError {
    /// Whether trying again later may help: the server could not be reached, did not answer, or answered 4xx (RFC 5321). The
    /// letter may have arrived all the same when the connection broke at its end; send it again with the same `message_id`.
    pub temporary: bool,
    /// The server's answer code, if it answered.
    pub code: Option<u16>,
    /// The reason, for the log and the person who minds the mail; it holds no password.
    pub reason: String,
}

impl MailError {
    pub(crate) fn refused(reason: String) -> Self {
        Self { temporary: false, code: None, reason }
    }
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for MailError {}

impl From<lettre::transport::smtp::Error> for MailError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        let reason = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        Self { temporary: !(error.is_permanent() || error.is_client()), code: error.status().map(u16::from), reason }
    }
}

/// Hands letters to one server; keeps a few connections open for a minute. May be shared among threads.
#[derive(Debug)]
pub struct Mailer {
    transport: SmtpTransport,
}

impl Mailer {
    /// Makes a mailer; does not connect yet.
    ///
    /// # Errors
    /// The host is missing, TLS cannot be set up for its name, or a password would go over the network unprotected.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let host = settings.host.trim();
        if host.is_empty() {
            return Err(MailError::refused("no mail server is set".to_owned()));
        }
        let parameters = || TlsParameters::new_rustls(host.to_owned()).map_err(MailError::from);
        let tls = match settings.tls {
            Tls::None if settings.user.is_some() && !local(host) => {
                return Err(MailError::refused("a password is not sent without TLS".to_owned()));
            }
            Tls::None => ClientTls::None,
            Tls::StartTls => ClientTls::Required(parameters()?),
            Tls::Tls => ClientTls::Wrapper(parameters()?),
        };
        let mut builder = SmtpTransport::builder_dangerous(host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(30)))
            .pool_config(PoolConfig::new().max_size(4).idle_timeout(Duration::from_secs(60)));
        if let Some(user) = &settings.user {
            builder =
                builder.credentials(Credentials::new(user.clone(), settings.password.clone().unwrap_or_default()));
        }
        Ok(Self { transport: builder.build() })
    }

    /// Hands a letter over; returns when the server has taken it on. Blocks, at most about half a minute for each answer of
    /// the server.
    ///
    /// # Errors
    /// The letter is not valid ([`Letter::to_bytes`]), the server cannot be reached or refuses it; see
    /// [`MailError::temporary`].
    pub fn send(&self, letter: &Letter) -> Result<(), MailError> {
        self.transport.send(&letter.message()?)?;
        Ok(())
    }

    /// Whether the server can be reached and lets us in; for a button "try the settings".
    ///
    /// # Errors
    /// As [`Mailer::send`].
    pub fn check(&self) -> Result<(), MailError> {
        if self.transport.test_connection()? {
            return Ok(());
        }
        Err(MailError { temporary: true, code: None, reason: "the mail server does not answer".to_owned() })
    }
}

fn local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
