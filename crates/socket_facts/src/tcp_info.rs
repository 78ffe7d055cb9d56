//! TCP_INFO of a connection by its addresses: `sock_diag` (linux/inet_diag.h), which ss(8) asks too.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::netlink::SOCK_DIAG;

use crate::netlink::{ask, attributes, number};
use crate::{TcpInfo, TcpOptions};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
/// Attributes of the answer: the numbers and the name of the congestion control.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_CONG: u16 = 4;
/// `struct inet_diag_msg`, behind which the attributes stand.
const DIAG_MESSAGE: usize = 72;

pub fn of(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpInfo>> {
    Ok(ask(Some(SOCK_DIAG), SOCK_DIAG_BY_FAMILY, &request(local, remote))?.as_deref().and_then(read))
}

/// `struct inet_diag_req_v2`.
fn request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
    let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
    let wanted = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1);
    let mut request = vec![family, IPPROTO_TCP, wanted, 0];
    // In any state.
    request.extend_from_slice(&u32::MAX.to_ne_bytes());
    request.extend_from_slice(&local.port().to_be_bytes());
    request.extend_from_slice(&remote.port().to_be_bytes());
    for address in [local.ip(), remote.ip()] {
        match address {
            IpAddr::V4(address) => {
                request.extend_from_slice(&address.octets());
                request.extend_from_slice(&[0; 12]);
            }
            IpAddr::V6(address) => request.extend_from_slice(&address.octets()),
        }
    }
    let interface = match local {
        SocketAddr::V6(local) => local.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    request.extend_from_slice(&interface.to_ne_bytes());
    // INET_DIAG_NOCOOKIE: whichever socket it is.
    request.extend_from_slice(&[0xFF; 8]);
    request
}

fn read(answer: &[u8]) -> Option<TcpInfo> {
    let mut info = None;
    let mut congestion_control = String::new();
    for (kind, value) in attributes(answer.get(DIAG_MESSAGE..)?) {
        match kind {
            INET_DIAG_INFO => info = Some(value),
            INET_DIAG_CONG => congestion_control = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned(),
            _ => {}
        }
    }
    let info = info?;
    // `struct tcp_info` only ever grew at its end.
    let word = |at| number(info, at).map(u32::from_ne_bytes);
    let long = |at| number(info, at).map(u64::from_ne_bytes);
    let micros = |at| word(at).map(|micros| Duration::from_micros(micros.into()));
    Some(TcpInfo {
        state: state(*info.first()?),
        round_trip: micros(68)?,
        round_trip_variance: micros(72)?,
        retransmits: word(100)?,
        unconfirmed: word(24)?,
        congestion_window: word(80)?,
        congestion_control,
        segment_bytes: word(16)?,
        path_mtu: word(60)?,
        bytes_sent: long(200),
        bytes_acknowledged: long(120)?,
        bytes_received: long(128)?,
        options: options(*info.get(5)?, *info.get(6)?),
    })
}

fn options(bits: u8, scale: u8) -> TcpOptions {
    // Two bit fields of four bits, in the order that the machine's compilers give them.
    let (sent, received) =
        if cfg!(target_endian = "little") { (scale & 0xF, scale >> 4) } else { (scale >> 4, scale & 0xF) };
    TcpOptions {
        timestamps: bits & 1 != 0,
        selective_acknowledgement: bits & 2 != 0,
        window_scale: (bits & 4 != 0).then_some((sent, received)),
        explicit_congestion_notification: bits & 8 != 0,
    }
}

/// The states of include/net/tcp_states.h.
fn state(number: u8) -> &'static str {
    match number {
        1 => "ESTABLISHED",
        2 => "SYN_SENT",
        3 | 12 => "SYN_RECV",
        4 => "FIN_WAIT1",
        5 => "FIN_WAIT2",
        6 => "TIME_WAIT",
        7 => "CLOSE",
        8 => "CLOSE_WAIT",
        9 => "LAST_ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_kernel_s_shorter_answer_is_read() {
        let mut info = vec![0; 192];
        info[0] = 1;
        info[5] = 5;
        info[6] = if cfg!(target_endian = "little") { 0x97 } else { 0x79 };
        info[68..72].copy_from_slice(&1500_u32.to_ne_bytes());
        info[128..136].copy_from_slice(&77_u64.to_ne_bytes());
        let mut answer = vec![0; DIAG_MESSAGE];
        crate::netlink::push_attribute(&mut answer, INET_DIAG_INFO, &info);
        crate::netlink::push_attribute(&mut answer, INET_DIAG_CONG, b"cubic\0");
        let read = super::read(&answer).unwrap();
        assert_eq!(
            (read.state, read.round_trip, read.bytes_received),
            ("ESTABLISHED", Duration::from_micros(1500), 77)
        );
        assert_eq!((read.bytes_sent, read.congestion_control.as_str()), (None, "cubic"));
        assert_eq!(read.options.to_string(), "timestamps,wscale:7/9");
        for length in 0..answer.len() {
            let _ = super::read(&answer[..length]);
        }
    }
}
