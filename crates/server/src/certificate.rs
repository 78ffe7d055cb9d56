//! The self-signed certificate: made on the first start, kept in the data folder as `cert.pem` and `key.pem`.
//!
//! Clients trust it on first use and pin it, so it is made once and lives long; its names help those who compare them.

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Ten years: pins break when it ends, so not sooner than a server's likely life.
const YEARS_VALID: i32 = 10;

/// Where a certificate chain and its key lie, in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// It was made just now.
    pub is_new: bool,
}

/// The kept certificate of `folder`; if there is none, one is made for `server_name`, this machine's `addresses` and
/// loopback. Both files are for this user alone.
///
/// # Errors
/// A sentence that names the file and the mend.
pub fn kept_or_new(folder: &Path, server_name: &str, addresses: &[IpAddr]) -> Result<KeptCertificate, String> {
    let certificate = folder.join("cert.pem");
    let key = folder.join("key.pem");
    match (certificate.exists(), key.exists()) {
        (true, true) => {
            return Ok(KeptCertificate { certificate, key, is_new: false });
        }
        (true, false) => return Err(half_missing(&key, &certificate)),
        // A crash between the two writes leaves a key that nothing was ever signed with; it is made anew.
        (false, _) => {}
    }
    let (certificate_pem, key_pem) =
        make(server_name, addresses).map_err(|why| format!("a self-signed certificate could not be made: {why}"))?;
    fs::create_dir_all(folder).map_err(|why| cannot_write(folder, &why))?;
    write_private(&key, key_pem.as_bytes()).map_err(|why| cannot_write(&key, &why))?;
    write_private(&certificate, certificate_pem.as_bytes()).map_err(|why| cannot_write(&certificate, &why))?;
    Ok(KeptCertificate { certificate, key, is_new: true })
}

fn half_missing(missing: &Path, other: &Path) -> String {
    format!(
        "{} is missing although {} is there; put it back, or remove the other one to have both made anew \
         (people will then be asked to trust the new one)",
        missing.display(),
        other.display()
    )
}

fn cannot_write(path: &Path, why: &io::Error) -> String {
    format!("{} could not be written: {why}; give the server a data folder of its own with --data", path.display())
}

/// Certificate and key in PEM.
fn make(server_name: &str, addresses: &[IpAddr]) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut names = vec![server_name.to_string()];
    if server_name != "localhost" {
        names.push("localhost".to_string());
    }
    let mut params = CertificateParams::new(names)?;
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    params.subject_alt_names.extend(loopback.iter().chain(addresses).map(|address| SanType::IpAddress(*address)));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, server_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // From the first of the year before, so that a client whose clock is behind accepts it as well.
    let year = i32::from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year());
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + YEARS_VALID, 1, 1);
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Writes a file that only this user can read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("pem.new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let addresses = ["192.0.2.7".parse().unwrap()];
        let first = kept_or_new(&data, "parlor.example", &addresses).unwrap();
        assert!(first.is_new);
        let bytes = fs::read(&first.certificate).unwrap();
        let second = kept_or_new(&data, "parlor.example", &[]).unwrap();
        assert!(!second.is_new);
        assert_eq!(fs::read(&second.certificate).unwrap(), bytes);
        #[cfg(unix)]
        for file in [&first.certificate, &first.key] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_not_replaced_silently() {
        let folder = tempfile::tempdir().unwrap();
        let made = kept_or_new(folder.path(), "parlor.example", &[]).unwrap();
        fs::remove_file(&made.key).unwrap();
        let complaint = kept_or_new(folder.path(), "parlor.example", &[]).unwrap_err();
        assert!(complaint.contains("key.pem is missing although"), "{complaint}");
        // The other way round nothing is lost: no certificate, nobody has seen it.
        let made = {
            fs::remove_file(&made.certificate).unwrap();
            kept_or_new(folder.path(), "parlor.example", &[]).unwrap()
        };
        fs::remove_file(&made.certificate).unwrap();
        assert!(kept_or_new(folder.path(), "parlor.example", &[]).unwrap().is_new);
    }
}
