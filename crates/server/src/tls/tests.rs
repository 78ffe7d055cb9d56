//! Handshakes in memory: with and without a client certificate, resumed, with garbage; and what an idle one costs.

use super::*;
use crate::config::{CertificateFiles, PemFile, Storage};
use rustls::client::Resumption;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, HandshakeKind};
use rustls_pki_types::ServerName;
use std::io::{Read, Write};
use std::path::Path;
use tempfile::TempDir;

/// Self-signed material in a folder of its own.
fn material() -> (TlsMaterial, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let defaults = Config::default();
    let storage = Storage { path: folder.path().to_path_buf(), ..defaults.storage.clone() };
    (TlsMaterial::load(&Config { storage, ..defaults }).unwrap(), folder)
}

/// A client that pins a fingerprint, as ours does.
#[derive(Debug)]
struct Pin([u8; 32], Arc<CryptoProvider>);

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        assert_eq!(fingerprint(certificate), self.0);
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

fn client_config(
    material: &TlsMaterial,
    versions: &[&'static rustls::SupportedProtocolVersion],
    identity: Option<&TlsMaterial>,
) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pin(material.fingerprint, provider)));
    match identity {
        Some(own) => {
            let chain = read_chain(&PemFile::of_our_own(own.certificate.clone())).unwrap();
            let key = PrivateKeyDer::from_pem_file(own.certificate.with_file_name("key.pem")).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    }
}

fn client(config: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(config.clone(), ServerName::try_from("localhost").unwrap()).unwrap()
}

/// Carries bytes both ways until nobody has any left; the server's error ends it.
fn converse(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    loop {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut quiet = bytes.is_empty();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        quiet &= bytes.is_empty();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
        if quiet {
            return Ok(());
        }
    }
}

#[test]
fn a_client_certificate_is_welcome_but_not_asked_in_earnest() {
    let (material, _folder) = material();
    let (identity, _other) = self::material();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        for own in [None, Some(&identity)] {
            let config = Arc::new(client_config(&material, &[version], own));
            let (mut client, mut server) = (client(&config), server_connection(material.irc.clone()).unwrap());
            converse(&mut client, &mut server).unwrap();
            assert!(!server.is_handshaking());
            let shown = server.peer_certificates().and_then(|chain| chain.first()).map(fingerprint);
            assert_eq!(shown, own.map(|own| own.fingerprint), "{version:?}");
            server.writer().write_all(b"PING :x\r\n").unwrap();
            converse(&mut client, &mut server).unwrap();
            let mut line = [0; 9];
            client.reader().read_exact(&mut line).unwrap();
            assert_eq!(&line, b"PING :x\r\n");
        }
        // The page never sees a certificate.
        let config = Arc::new(client_config(&material, &[version], Some(&identity)));
        let (mut client, mut server) = (client(&config), server_connection(material.http.clone()).unwrap());
        converse(&mut client, &mut server).unwrap();
        assert!(server.peer_certificates().is_none());
    }
}

#[test]
fn a_returning_client_resumes_and_keeps_its_certificate() {
    let (material, _folder) = material();
    let (identity, _other) = self::material();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut config = client_config(&material, &[version], Some(&identity));
        config.resumption = Resumption::in_memory_sessions(4);
        let config = Arc::new(config);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let (mut client, mut server) = (client(&config), server_connection(material.irc.clone()).unwrap());
            converse(&mut client, &mut server).unwrap();
            kinds.push(server.handshake_kind());
            let shown = server.peer_certificates().and_then(|chain| chain.first()).map(fingerprint);
            assert_eq!(shown, Some(identity.fingerprint));
        }
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)], "{version:?}");
    }
}

#[test]
fn application_protocols_keep_the_two_apart() {
    let (material, _folder) = material();
    let check = |offered: &[&[u8]], server: &Arc<ServerConfig>, agreed: Result<Option<&[u8]>, ()>| {
        let mut config = client_config(&material, &[&rustls::version::TLS13], None);
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let (mut client, mut server) = (client(&Arc::new(config)), server_connection(server.clone()).unwrap());
        let done = converse(&mut client, &mut server).map_err(|_| ());
        assert_eq!(done.map(|()| server.alpn_protocol()), agreed, "{offered:?}");
    };
    check(&[], &material.irc, Ok(None));
    check(&[b"irc"], &material.irc, Ok(Some(b"irc")));
    check(&[b"h2", b"http/1.1"], &material.http, Ok(Some(b"http/1.1")));
    // A browser that is sent to the IRC port (cross-protocol attack) does not even get a connection.
    check(&[b"h2", b"http/1.1"], &material.irc, Err(()));
}

/// T8.
#[test]
fn garbage_is_refused_without_a_panic() {
    let (material, _folder) = material();
    let hello = {
        let mut client = client(&Arc::new(client_config(&material, &[&rustls::version::TLS13], None)));
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    };
    let check = |bytes: &[u8]| {
        let mut server = server_connection(material.irc.clone()).unwrap();
        let mut rest = bytes;
        let mut failed = false;
        while !rest.is_empty() && !failed {
            failed = match server.read_tls(&mut rest) {
                Ok(_) => server.process_new_packets().is_err(),
                Err(_) => true,
            };
        }
        assert!(server.is_handshaking());
        failed
    };
    for plain in
        [&b"NICK alice\r\nUSER a 0 * :a\r\n"[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0xff; 4_000], &[0; 4_000]]
    {
        assert!(check(plain));
    }
    // A hello with each byte changed: refused or still incomplete, never a panic.
    for at in 0..hello.len() {
        let mut bytes = hello.clone();
        bytes[at] ^= 0xff;
        check(&bytes);
        check(&bytes[..at]);
    }
    // A record that promises much and never ends is not stored without a bound.
    let mut endless = vec![0x16, 0x03, 0x01, 0xff, 0xff];
    endless.extend([0u8; 70_000]);
    assert!(check(&endless));
}

#[test]
fn mistakes_in_the_files_are_named() {
    let (first, first_folder) = material();
    let (_second, second_folder) = material();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = first.certificate.clone();
    let key = first_folder.path().join("key.pem");
    let check = |certificate: &Path, key: &Path, expected: &str| {
        let file = |path: &Path, named_at: &str| PemFile { path: path.to_path_buf(), named_at: named_at.to_owned() };
        let files = CertificateFiles {
            certificate: file(certificate, "parlor.toml:2: [tls] certificate"),
            key: file(key, "parlor.toml:3: [tls] key"),
        };
        let tls = Tls { files: Some(files), sts: None };
        let complaint = TlsMaterial::load(&Config { tls, ..Config::default() }).unwrap_err().to_string();
        assert!(complaint.contains(expected), "{complaint}");
        assert!(complaint.starts_with("parlor.toml:"), "{complaint}");
    };
    check(&certificate, &second_folder.path().join("key.pem"), "is not the key of");
    check(&key, &key, "there is no certificate in it; name the PEM file");
    check(&certificate, &certificate, "there is no private key in it");
    check(&certificate, &folder.path().join("none.pem"), "none.pem could not be read: ");
    check(&write("empty.pem", ""), &key, "there is no certificate in it");
    let cut = std::fs::read_to_string(&certificate).unwrap().replace("-----END", "-----");
    check(&write("cut.pem", &cut), &key, "the file is damaged");
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(&certificate, &write("locked.pem", locked), "the key is locked with a password");
    let unknown = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check(&certificate, &write("unknown.pem", unknown), "this key cannot be used");
    assert_eq!(first.fingerprint_text().len(), 32 * 3 - 1);
    assert!(first.self_signed && first.is_new);
}

/// design.md section 8: an idle TLS connection costs at most 16 KiB, ours and rustls' together. What rustls and aws-lc hold
/// for one is measured here, after a line in each direction as any client causes; in a process of its own, where no other
/// test takes memory meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_connection_is_small() {
    const ALONE: &str = "PARLOR_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "tls::tests::an_idle_connection_is_small", "--nocapture"]).env(ALONE, "1");
        assert!(again.status().unwrap().success());
        return;
    }
    const CONNECTIONS: usize = 2_000;
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
    };
    let (material, _folder) = material();
    let config = Arc::new(client_config(&material, &[&rustls::version::TLS13], None));
    let connect = || {
        let (mut client, mut server) = (client(&config), server_connection(material.irc.clone()).unwrap());
        converse(&mut client, &mut server).unwrap();
        client.writer().write_all(b"NICK alice\r\n").unwrap();
        converse(&mut client, &mut server).unwrap();
        let mut line = [0; 12];
        server.reader().read_exact(&mut line).unwrap();
        server.writer().write_all(b":server 001 alice :Welcome\r\n").unwrap();
        converse(&mut client, &mut server).unwrap();
        Box::new(server)
    };
    let warm: Vec<_> = (0..50).map(|_| connect()).collect();
    let before = resident();
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect()).collect();
    let each = resident().saturating_sub(before) / CONNECTIONS;
    println!("{each} bytes for each of {CONNECTIONS} idle TLS connections");
    assert!(each <= 14 * 1_024, "{each} bytes each");
    drop((warm, connections));
}
