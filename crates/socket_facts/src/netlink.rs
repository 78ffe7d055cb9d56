//! Questions to the kernel as netlink(7) has them: one message out, one back, attributes in it (RFC 3549 section 2.2).

use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// NLM_F_REQUEST: no more than one answer.
const REQUEST: u16 = 1;
/// NLMSG_ERROR.
const ERROR: u16 = 2;
const ENOENT: i32 = 2;
/// Answers are a few hundred bytes; those about an interface some thousand.
const ANSWER_BYTES: usize = 16 * 1024;

/// Asks, and gives what stands behind the header of the answer; `None`: there is no such thing. The kernel answers while it
/// is asked (it is no other process), so nothing is waited for.
pub fn ask(protocol: Option<Protocol>, kind: u16, payload: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    let length = HEADER + payload.len();
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&REQUEST.to_ne_bytes());
    // The sequence number and our address, which the kernel fills in.
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(payload);
    rustix::net::sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = vec![0; ANSWER_BYTES];
    let (count, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    answer.truncate(count);
    read(answer)
}

fn read(mut answer: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let cut_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let length = number::<4>(&answer, 0).map(u32::from_ne_bytes).ok_or_else(cut_short)? as usize;
    let kind = number::<2>(&answer, 4).map(u16::from_ne_bytes).ok_or_else(cut_short)?;
    if kind == ERROR {
        let code = number::<4>(&answer, HEADER).map(i32::from_ne_bytes).ok_or_else(cut_short)?;
        return match -code {
            ENOENT => Ok(None),
            code => Err(io::Error::from_raw_os_error(code)),
        };
    }
    if length < HEADER || length > answer.len() {
        return Err(cut_short());
    }
    answer.truncate(length);
    answer.drain(..HEADER);
    Ok(Some(answer))
}

/// So many bytes from there on.
pub fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..at + BYTES)?.try_into().ok()
}

/// `struct rtattr`: length, kind, value, each beginning at a multiple of four.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(number(bytes, 0)?));
        // The highest bits are flags.
        let kind = u16::from_ne_bytes(number(bytes, 2)?) & 0x3FFF;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub fn push_attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend_from_slice(&u16::try_from(4 + value.len()).unwrap_or(0).to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        let mut message = Vec::new();
        push_attribute(&mut message, 3, b"lo\0");
        push_attribute(&mut message, 0x8004, &[1, 2, 3, 4]);
        assert_eq!(message.len(), 16);
        let read: Vec<_> = attributes(&message).collect();
        assert_eq!(read, [(3, &b"lo\0"[..]), (4, &[1, 2, 3, 4][..])]);
        for broken in [&[9, 0][..], &[255, 0, 1, 0, 1], &[2, 0, 1, 0, 1]] {
            assert_eq!(attributes(broken).count(), 0, "{broken:?}");
        }
    }

    #[test]
    fn answers_that_say_no() {
        let error = |code: i32| {
            let mut answer = vec![0; HEADER + 4];
            answer[..4].copy_from_slice(&20_u32.to_ne_bytes());
            answer[4..6].copy_from_slice(&ERROR.to_ne_bytes());
            answer[HEADER..].copy_from_slice(&code.to_ne_bytes());
            answer
        };
        assert_eq!(read(error(-ENOENT)).unwrap(), None);
        assert_eq!(read(error(-1)).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        for broken in [vec![], vec![0; 5], vec![255; 20]] {
            assert!(read(broken).is_err());
        }
    }
}
