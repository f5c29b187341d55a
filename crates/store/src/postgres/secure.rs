//! How the connection to a server is protected: `sslmode` and `sslrootcert` of the address.

use std::path::Path;
use std::sync::Arc;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Result};

/// Opens connections as the address wants them.
#[derive(Clone)]
pub(super) struct Secure {
    /// Nothing where connections are not encrypted.
    tls: Option<MakeRustlsConnect>,
}

impl Secure {
    /// Takes `sslmode` and `sslrootcert` of an address. As everywhere: `disable` never encrypts; `prefer` (unless something
    /// else is said) does where the server can; `require` always does, and looks at the certificate only where a root is
    /// named; `verify-full` always looks at it and at the server's name.
    pub(super) fn of(config: &mut Config, mode: Option<&str>, root: Option<&str>) -> Result<Self> {
        let mode = mode.unwrap_or("prefer");
        config.ssl_mode(match mode {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            "require" | "verify-full" => SslMode::Require,
            _ => return Err(Error::sql(format!("sslmode is disable, prefer, require or verify-full, not {mode}"))),
        });
        // A socket of this machine is read by nobody else.
        let here = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        if mode == "disable" || (here && mode != "verify-full") {
            config.ssl_mode(SslMode::Disable);
            return Ok(Self { tls: None });
        }
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match (mode, root) {
            ("verify-full", None) => {
                return Err(Error::sql("sslmode=verify-full needs sslrootcert=FILE: the certificate to trust, as PEM"));
            }
            (_, Some(root)) => {
                let known =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots(Path::new(root))?), provider.clone())
                        .build()
                        .map_err(|error| Error::sql(format!("sslrootcert: {error}")))?;
                if mode == "verify-full" {
                    known
                } else {
                    Arc::new(Any { named: Some(known), provider: provider.clone() })
                }
            }
            (_, None) => Arc::new(Any { named: None, provider: provider.clone() }),
        };
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::sql(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { tls: Some(MakeRustlsConnect::new(client)) })
    }

    /// Opens a connection.
    pub(super) fn connect(&self, config: &Config) -> std::result::Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => config.connect(tls.clone()),
            None => config.connect(NoTls),
        }
    }
}

fn roots(file: &Path) -> Result<RootCertStore> {
    let wrong = |why: String| Error::sql(format!("sslrootcert {}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("no certificate is in it".to_owned())) } else { Ok(roots) }
}

/// Takes any certificate, or any that the named roots have signed, whatever name is on it. Keeps out who only listens; who
/// stands between is kept out by `verify-full`.
#[derive(Debug)]
struct Any {
    named: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(named) = &self.named else { return Ok(ServerCertVerified::assertion()) };
        match named.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            // The name is looked at last, when everything else was found good.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
