//! TLS: what the server shows and accepts. All of rustls' configuration is here.
//!
//! TLS 1.2 and 1.3 with AEAD suites only (rustls has no others), aws-lc-rs as the one crypto stack. Sessions resume by
//! tickets that the client keeps, so the server holds nothing for those who may come back.

use crate::certificate;
use crate::config::{Config, PemFile, Tls};
use crate::limits::{TLS_BUFFER_BYTES, TLS_TICKETS};
use crate::machine_addresses::machine_addresses;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A certificate with its key, ready to serve. A reload makes a new one; connections keep the one they began with.
#[derive(Clone, Debug)]
pub struct TlsMaterial {
    /// For IRC: asks for a client certificate (SASL EXTERNAL), offers ALPN `irc`.
    pub irc: Arc<ServerConfig>,
    /// For the page and WebSocket: asks for no certificate, since browsers would bother people with a choice of theirs;
    /// offers ALPN `http/1.1`.
    pub http: Arc<ServerConfig>,
    /// SHA-256 of the certificate: what people compare.
    pub fingerprint: [u8; 32],
    pub certificate: PathBuf,
    pub self_signed: bool,
    /// The self-signed certificate was made just now.
    pub is_new: bool,
}

/// What is wrong with a certificate or key, in one sentence that names the file and the mend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl TlsMaterial {
    /// The configured certificate, or the self-signed one of the data folder, which is made if it is not there.
    ///
    /// # Errors
    /// Files that cannot be read or written, that hold no certificate or no key, or that do not belong together.
    pub fn load(config: &Config) -> Result<TlsMaterial, TlsError> {
        match &config.tls {
            Tls { files: Some(files), .. } => from_files(&files.certificate, &files.key),
            Tls { files: None, .. } => {
                let kept = certificate::kept_or_new(&config.storage.path, &config.server.name, &machine_addresses())
                    .map_err(TlsError)?;
                let material = from_files(&PemFile::of_our_own(kept.certificate), &PemFile::of_our_own(kept.key))?;
                Ok(TlsMaterial { self_signed: true, is_new: kept.is_new, ..material })
            }
        }
    }

    /// As browsers and `openssl x509 -fingerprint -sha256` show it.
    pub fn fingerprint_text(&self) -> String {
        discovery::fingerprint_text(&self.fingerprint)
    }
}

/// SHA-256 of a certificate's DER form: the identity that SASL EXTERNAL knows a person by.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, certificate).as_ref());
    bytes
}

/// A connection that holds no more than [`TLS_BUFFER_BYTES`] in either direction.
pub fn server_connection(config: Arc<ServerConfig>) -> Result<ServerConnection, rustls::Error> {
    let mut connection = ServerConnection::new(config)?;
    connection.set_buffer_limit(Some(TLS_BUFFER_BYTES));
    Ok(connection)
}

fn from_files(certificate: &PemFile, key: &PemFile) -> Result<TlsMaterial, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = read_chain(certificate)?;
    let signing_key = read_key(key, &provider)?;
    let certified = CertifiedKey::new(chain, signing_key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(TlsError(format!(
                "{key} is not the key of {}; name the two files that belong together in [tls]",
                certificate.path.display()
            )));
        }
        Err(why) => {
            return Err(TlsError(format!(
                "{certificate}: the certificate is damaged ({why}); get a new one from whoever made it"
            )));
        }
    }
    let fingerprint = certified.cert.first().map(fingerprint).unwrap_or_default();
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let build = |asks_for_certificate: bool, alpn: &[u8]| -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let builder = if asks_for_certificate {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate { provider: provider.clone() }))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(resolver.clone());
        config.alpn_protocols = vec![alpn.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // One each: a ticket of the page must not stand in for a connection that showed a client certificate.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = TLS_TICKETS;
        config.max_early_data_size = 0;
        Ok(Arc::new(config))
    };
    let cannot = |why: rustls::Error| TlsError(format!("TLS cannot be set up: {why}; this build may be damaged"));
    Ok(TlsMaterial {
        irc: build(true, b"irc").map_err(cannot)?,
        http: build(false, b"http/1.1").map_err(cannot)?,
        fingerprint,
        certificate: certificate.path.clone(),
        self_signed: false,
        is_new: false,
    })
}

fn read_chain(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError(format!(
            "{file}: there is no certificate in it; name the PEM file that begins with -----BEGIN CERTIFICATE-----"
        ))),
        Err(why) => Err(damaged(file, &why)),
    }
}

fn read_key(file: &PemFile, provider: &CryptoProvider) -> Result<Arc<dyn rustls::sign::SigningKey>, TlsError> {
    let text = zeroize::Zeroizing::new(read(file)?);
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|why| match why {
        PemError::NoItemsFound if contains(&text, b"ENCRYPTED PRIVATE KEY") => TlsError(format!(
            "{file}: the key is locked with a password; unlock it with `openssl pkey -in {} -out key.pem` and name that \
             file",
            file.path.display()
        )),
        PemError::NoItemsFound => TlsError(format!(
            "{file}: there is no private key in it; name the PEM file that begins with -----BEGIN PRIVATE KEY-----"
        )),
        why => damaged(file, &why),
    })?;
    provider
        .key_provider
        .load_private_key(key)
        .map_err(|why| TlsError(format!("{file}: this key cannot be used ({why}); use an ECDSA, Ed25519 or RSA key")))
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

fn damaged(file: &PemFile, why: &PemError) -> TlsError {
    TlsError(format!("{file}: the file is damaged ({why:?}); get it again from whoever made it"))
}

fn read(file: &PemFile) -> Result<Vec<u8>, TlsError> {
    std::fs::read(&file.path).map_err(|why| {
        TlsError(format!("{file} could not be read: {why}; make it readable for the user that runs the server"))
    })
}

/// Accepts any client certificate, as a proof that the client has its key: people are known by the fingerprint, not by who
/// signed it (SASL EXTERNAL). The signatures of the handshake are verified as usual.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
