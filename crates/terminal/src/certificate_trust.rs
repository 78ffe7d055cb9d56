//! Whether a server's certificate is to be believed: by the system's authorities, else by what was seen on first use.

use std::sync::{Arc, Mutex};

use discovery::steps::Belief;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::known_servers::{Expected, Fingerprint, KnownServers, Pin};

/// What came of looking at a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The system knows who issued it.
    Known,
    /// The one seen before.
    SeenBefore,
    /// Never seen: to be kept once the handshake is complete.
    FirstUse(Fingerprint),
    /// Never seen, and what a join code promised: to be kept likewise.
    Promised(Fingerprint),
    /// Another one than before, or of another server. The sentence says what to do.
    Changed(String),
    /// The file of known certificates is of no use. The sentence says why.
    Undecided(String),
}

impl Verdict {
    /// How it came to be believed; `None`: it is not.
    pub fn belief(&self) -> Option<Belief> {
        match self {
            Verdict::Known => Some(Belief::KnownIssuer),
            Verdict::SeenBefore => Some(Belief::SeenBefore),
            Verdict::FirstUse(_) => Some(Belief::FirstUse),
            Verdict::Promised(_) => Some(Belief::Promised),
            Verdict::Changed(_) | Verdict::Undecided(_) => None,
        }
    }
}

/// What the system says of a certificate.
enum OfSystem {
    /// It knows who issued it, and it is for this server.
    Known,
    /// It knows who issued it, and it is for these others.
    OfOthers(Vec<String>),
    Unknown,
}

/// Judges the certificates of one server.
#[derive(Debug)]
pub struct CertificateTrust {
    server: String,
    known_servers: Arc<KnownServers>,
    /// `None` on a system without any authority.
    system: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    verdict: Mutex<Option<Verdict>>,
}

impl CertificateTrust {
    /// `server` is the key in the file: `host:port`.
    pub fn new(server: String, known_servers: Arc<KnownServers>, provider: Arc<CryptoProvider>) -> CertificateTrust {
        let mut roots = RootCertStore::empty();
        // Some stores hold certificates that nobody can parse; the others still count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let system = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().ok();
        CertificateTrust { server, known_servers, system, provider, verdict: Mutex::default() }
    }

    /// The verdict on the latest handshake.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn judge(&self, certificate: &[u8], name: &ServerName<'_>, of_system: OfSystem) -> Verdict {
        let found = Fingerprint::of(certificate);
        let pin = self.known_servers.find(&self.server);
        // What a join code promised counts for more than what the system says, and so does what was seen before of a server whose
        // name no authority certifies: schools and companies put authorities of their own into their machines, and read along.
        let is_held = match &pin {
            Ok(None) => false,
            Ok(Some(Pin { expected: Expected::Start(_), .. })) => true,
            Ok(Some(_)) | Err(_) => !is_public(name),
        };
        if matches!(of_system, OfSystem::Known) && !is_held {
            return Verdict::Known;
        }
        match pin {
            Err(sentence) => Verdict::Undecided(sentence),
            // Who has a certificate of an authority means to be known by its name: another server's is no reason to trust this
            // one. No authority certifies addresses of a network like this, or names that are only known there.
            Ok(None) if let (OfSystem::OfOthers(names), true) = (&of_system, is_public(name)) => {
                Verdict::Changed(format!(
                    "The certificate of {} is for {}, and not for the name that you typed. Someone may be listening in, or the \
                     server has another name. Nothing was sent. Connect under the name that the certificate is for, or ask the \
                     administrator.",
                    self.server,
                    if names.is_empty() { "another server".to_owned() } else { names.join(" or ") },
                ))
            }
            Ok(None) => Verdict::FirstUse(found),
            Ok(Some(Pin { expected: Expected::Start(start), .. })) => {
                if Expected::Start(start).fits(&found) {
                    return Verdict::Promised(found);
                }
                Verdict::Changed(format!(
                    "{} shows the certificate {found}, which is not the one of the join code. Someone may be listening in, or \
                     the code is of another server. Nothing was sent. Ask for the code that the server prints now.",
                    self.server
                ))
            }
            Ok(Some(pin)) if pin.expected.fits(&found) => Verdict::SeenBefore,
            Ok(Some(pin)) => Verdict::Changed(format!(
                "The certificate of {} has changed: it was {} and now it is {found}. Someone may be listening in, or the server \
                 has a new certificate. Nothing was sent. Ask its administrator for the fingerprint; if it is the new one, \
                 delete {} of {} and connect again.",
                self.server,
                pin.expected,
                pin.line.map_or_else(|| "the line of this server".to_owned(), |line| format!("line {line}")),
                self.known_servers.file_name(),
            )),
        }
    }
}

/// Whether authorities certify such names at all.
fn is_public(name: &ServerName<'_>) -> bool {
    match name {
        ServerName::DnsName(name) => {
            let name = name.as_ref();
            name.contains('.') && !name.ends_with(".local") && !name.ends_with(".localhost")
        }
        _ => false,
    }
}

/// Names that a certificate says of itself; the first few, if it is one that can be read.
pub fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    /// For a person's eyes.
    const MOST_NAMES: usize = 5;
    webpki::EndEntityCert::try_from(certificate)
        .map(|certificate| certificate.valid_dns_names().take(MOST_NAMES).map(str::to_owned).collect())
        .unwrap_or_default()
}

impl ServerCertVerifier for CertificateTrust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self
            .system
            .as_ref()
            .map(|system| system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now));
        let of_system = match checked {
            Some(Ok(_)) => OfSystem::Known,
            // The name is looked at last: all else is well.
            Some(Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ))) => OfSystem::OfOthers(names_of(end_entity)),
            Some(Err(_)) | None => OfSystem::Unknown,
        };
        let verdict = self.judge(end_entity, server_name, of_system);
        let believed = !matches!(verdict, Verdict::Changed(_) | Verdict::Undecided(_));
        *self.verdict.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(verdict);
        if believed {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    // That the other end has the certificate's key is checked for every certificate, known to the system or not.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of the server, what it shows, and what becomes of it where the system knows the issuer.
    #[test]
    fn what_a_person_was_told_counts_for_more_than_the_systems_authorities() {
        let (shown, other) = (b"the certificate", b"another one");
        let start = |certificate: &[u8]| Expected::start_of(&Fingerprint::of(certificate));
        let whole = |certificate: &[u8]| Expected::Whole(Fingerprint::of(certificate));
        let check = |name: &'static str, known: Option<Expected>, is_believed: bool, is_known: bool| {
            let known_servers = KnownServers::of_this_run();
            if let Some(expected) = known {
                known_servers.hold("server:6697", expected);
            }
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let trust = CertificateTrust::new("server:6697".to_owned(), Arc::new(known_servers), provider);
            let name = ServerName::try_from(name).unwrap();
            let verdict = trust.judge(shown, &name, OfSystem::Known);
            let expected = (is_believed, is_known);
            assert_eq!(
                (verdict.belief().is_some(), verdict == Verdict::Known),
                expected,
                "{name:?} {known:?} {verdict:?}"
            );
        };
        for name in ["192.168.1.5", "chat.example", "pi.local"] {
            check(name, None, true, true);
            check(name, Some(start(shown)), true, false);
            check(name, Some(start(other)), false, false);
            check(name, Some(whole(shown)), true, name == "chat.example");
        }
        // A public name's certificate is renewed every few weeks, and authorities answer for it.
        check("chat.example", Some(whole(other)), true, true);
        check("pi.local", Some(whole(other)), false, false);
        check("192.168.1.5", Some(whole(other)), false, false);
    }
}
