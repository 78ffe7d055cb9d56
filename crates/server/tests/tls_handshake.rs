//! The border between a TLS handshake and the conversation.

mod support;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use support::{DEADLINE, Daemon};

/// The lines are in the same flight as the client's last handshake message, so the server reads both at once.
#[test]
fn lines_that_come_with_the_end_of_the_handshake_are_heard() {
    let daemon = Daemon::start("");
    let stream = TcpStream::connect(daemon.address("ircs")).expect("connected");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    let mut tls =
        ClientConnection::new(trusting_all(), ServerName::try_from("localhost").expect("a name")).expect("TLS");
    tls.writer().write_all(b"NICK alice\r\nUSER alice 0 * :Alice\r\n").expect("kept until the handshake is over");
    let mut reader = BufReader::new(StreamOwned::new(tls, stream));
    let mut line = String::new();
    while !line.contains(" 001 alice ") {
        line.clear();
        assert_ne!(reader.read_line(&mut line).expect("a line in time"), 0, "the server closed");
    }
}

fn trusting_all() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    Arc::new(config)
}

/// The certificate is self-signed and is not what is tested here.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}
