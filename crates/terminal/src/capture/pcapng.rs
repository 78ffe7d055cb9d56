//! Blocks of a pcapng file (draft-ietf-opsawg-pcapng), of little-endian numbers.

use std::time::Duration;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// "TLSK": lines as NSS writes them.
const TLS_KEY_LOG: u32 = 0x544C_534B;
/// Options.
const COMMENT: u16 = 1;
const PACKET_FLAGS: u16 = 2;
const APPLICATION: u16 = 4;

/// What a packet begins with (the registry of link types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    Ethernet,
    /// IP itself.
    Raw,
}

/// Everything that follows is one section.
pub fn section(comment: &str) -> Vec<u8> {
    let mut body = 0x1A2B_3C4D_u32.to_le_bytes().to_vec();
    // Version 1.0, of a length that is not known yet.
    body.extend_from_slice(&[1, 0, 0, 0]);
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    option(&mut body, COMMENT, comment.as_bytes());
    option(&mut body, APPLICATION, concat!("chat_client ", env!("CARGO_PKG_VERSION")).as_bytes());
    end_of_options(&mut body);
    block(SECTION, &body)
}

/// Times are in microseconds, which is the default.
pub fn interface(link_type: LinkType) -> Vec<u8> {
    let number: u16 = match link_type {
        LinkType::Ethernet => 1,
        LinkType::Raw => 101,
    };
    let mut body = number.to_le_bytes().to_vec();
    // Reserved; packets of any length.
    body.extend_from_slice(&[0; 6]);
    block(INTERFACE, &body)
}

pub fn packet(interface: u32, since_epoch: Duration, outbound: bool, packet: &[u8]) -> Vec<u8> {
    let micros = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let mut body = interface.to_le_bytes().to_vec();
    body.extend_from_slice(&((micros >> 32) as u32).to_le_bytes());
    body.extend_from_slice(&(micros as u32).to_le_bytes());
    // As captured and as it was.
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(&length.to_le_bytes());
    padded(&mut body, packet);
    let direction: u32 = if outbound { 2 } else { 1 };
    option(&mut body, PACKET_FLAGS, &direction.to_le_bytes());
    end_of_options(&mut body);
    block(PACKET, &body)
}

pub fn tls_secrets(lines: &[u8]) -> Vec<u8> {
    let mut body = TLS_KEY_LOG.to_le_bytes().to_vec();
    body.extend_from_slice(&u32::try_from(lines.len()).unwrap_or(0).to_le_bytes());
    padded(&mut body, lines);
    block(DECRYPTION_SECRETS, &body)
}

/// The length stands at both ends.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap_or(0).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    padded(body, value);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend_from_slice(&[0; 4]);
}

fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}
