//! The codec against the table of the protocol's cases (in the order of the Autobahn test suite's chapters), against
//! random bytes and cuts, and against tungstenite as the peer.

use super::*;
use proptest::prelude::*;

const LONGEST: usize = 1_000;

/// A client's frame, masked.
fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![u8::from(fin) << 7 | opcode];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        medium @ 126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Everything that comes out of `bytes`, as one word a message; what ends the conversation comes last.
fn transcript(bytes: &[u8], longest: usize) -> Vec<String> {
    transcript_in_pieces(&[bytes.to_vec()], longest)
}

fn transcript_in_pieces(pieces: &[Vec<u8>], longest: usize) -> Vec<String> {
    let mut decoder = Decoder::new(longest);
    let mut kept = Vec::new();
    let mut words = Vec::new();
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut kept) {
                Ok(Decoded { consumed, message }) => {
                    let more = message.is_some();
                    words.extend(message.map(|message| word(&message)));
                    kept.drain(..consumed);
                    if !more {
                        break;
                    }
                }
                Err(violation) => {
                    words.push(format!("violation {}", violation.code as u16));
                    return words;
                }
            }
        }
        assert!(kept.len() <= longest.max(CONTROL_PAYLOAD) + 14, "the caller keeps {} bytes", kept.len());
    }
    words
}

fn word(message: &Message<'_>) -> String {
    let shown = |payload: &[u8]| match payload.len() {
        0..=40 => String::from_utf8_lossy(payload).into_owned(),
        long => format!("({long} bytes)"),
    };
    match message {
        Message::Text(payload) => format!("text {}", shown(payload)),
        Message::Binary(payload) => format!("binary {}", shown(payload)),
        Message::Ping(payload) => format!("ping {}", shown(payload)),
        Message::Pong(payload) => format!("pong {}", shown(payload)),
        Message::Close { code, reason } => format!("close {} {reason}", code.unwrap_or(0)),
    }
}

fn check(frames: &[Vec<u8>], expected: &[&str]) {
    let bytes = frames.concat();
    assert_eq!(transcript(&bytes, LONGEST), expected, "frames {frames:02x?}");
    // A byte at a time gives the same.
    let pieces: Vec<Vec<u8>> = bytes.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(transcript_in_pieces(&pieces, LONGEST), expected, "a byte at a time, frames {frames:02x?}");
}

#[test]
fn the_examples_of_the_specification() {
    // RFC 6455 section 5.7.
    check(&[vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]], &["text Hello"]);
    check(&[vec![0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]], &["ping Hello"]);
    check(&[vec![0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]], &["violation 1002"]);
    let mut bytes = Vec::new();
    frame_header_into(&mut bytes, Opcode::Text, 5);
    assert_eq!(bytes, [0x81, 0x05]);
    bytes.clear();
    frame_header_into(&mut bytes, Opcode::Binary, 256);
    assert_eq!(bytes, [0x82, 0x7e, 0x01, 0x00]);
    bytes.clear();
    frame_header_into(&mut bytes, Opcode::Binary, 65_536);
    assert_eq!(bytes, [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[test]
fn messages_of_all_lengths() {
    for length in [0, 1, 7, 8, 9, 125, 126, 127, 128, 999, 1_000] {
        let payload = vec![b'*'; length];
        let shown = if length > 40 { format!("({length} bytes)") } else { "*".repeat(length) };
        check(&[frame(true, 1, &payload)], &[&format!("text {shown}")]);
        check(&[frame(true, 2, &payload)], &[&format!("binary {shown}")]);
    }
    check(&[frame(true, 1, &[b'*'; 1_001])], &["violation 1009"]);
    check(&[frame(true, 2, &vec![b'*'; 70_000])], &["violation 1009"]);
    // The header alone is enough to refuse: nobody waits for 2⁶² bytes.
    check(&[vec![0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0]], &["violation 1009"]);
    // 2⁶³ is not even a length.
    check(&[vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]], &["violation 1002"]);
    // Lengths in more bytes than needed.
    check(&[vec![0x82, 0xfe, 0, 125]], &["violation 1002"]);
    check(&[vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]], &["violation 1002"]);
}

#[test]
fn pings_and_pongs() {
    check(&[frame(true, 9, b"")], &["ping "]);
    check(&[frame(true, 9, &[b'p'; 125])], &["ping (125 bytes)"]);
    check(&[frame(true, 9, &[b'p'; 126])], &["violation 1002"]);
    check(&[frame(true, 10, b"unasked")], &["pong unasked"]);
    check(&[frame(true, 9, b"1"), frame(true, 9, b"2"), frame(true, 1, b"x")], &["ping 1", "ping 2", "text x"]);
    check(&[frame(false, 9, b"")], &["violation 1002"]);
}

#[test]
fn reserved_bits_and_opcodes() {
    for bit in [0x40, 0x20, 0x10, 0x70] {
        let mut bytes = frame(true, 1, b"x");
        bytes[0] |= bit;
        check(&[frame(true, 1, b"before"), bytes], &["text before", "violation 1002"]);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        check(&[frame(true, opcode, b"")], &["violation 1002"]);
    }
}

#[test]
fn fragments() {
    check(&[frame(false, 1, b"one "), frame(true, 0, b"two")], &["text one two"]);
    check(&[frame(false, 2, b"a"), frame(false, 0, b"b"), frame(false, 0, b""), frame(true, 0, b"c")], &["binary abc"]);
    check(
        &[frame(false, 1, b"one "), frame(true, 9, b"between"), frame(true, 0, b"two")],
        &["ping between", "text one two"],
    );
    check(&[frame(true, 0, b"x")], &["violation 1002"]);
    check(&[frame(false, 0, b"x")], &["violation 1002"]);
    check(&[frame(false, 1, b"one"), frame(true, 1, b"two")], &["violation 1002"]);
    check(&[frame(false, 1, b"one"), frame(true, 2, b"two")], &["violation 1002"]);
    check(&[frame(false, 1, b"a"), frame(true, 0, b"b"), frame(true, 0, b"c")], &["text ab", "violation 1002"]);
    // Together too long, each within the limit; also without an end.
    check(&[frame(false, 1, &[b'*'; 600]), frame(true, 0, &[b'*'; 401])], &["violation 1009"]);
    let mut endless = vec![frame(false, 1, b"")];
    endless.extend(std::iter::repeat_n(frame(false, 0, &[b'*'; 100]), 11));
    check(&endless, &["violation 1009"]);
    check(&[frame(false, 1, &[b'*'; 600]), frame(true, 0, &[b'*'; 400])], &["text (1000 bytes)"]);
}

#[test]
fn text_is_utf_8() {
    check(&[frame(true, 1, "κόσμε ✓ 🍵".as_bytes())], &["text κόσμε ✓ 🍵"]);
    // A character in two fragments is whole in the end.
    let tea = "🍵".as_bytes();
    check(&[frame(false, 1, &tea[..2]), frame(true, 0, &tea[2..])], &["text 🍵"]);
    for invalid in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\xf0\x9f\x8d",
    ] {
        check(&[frame(true, 1, invalid)], &["violation 1007"]);
        check(&[frame(false, 1, invalid), frame(true, 0, b"")], &["violation 1007"]);
    }
    // Binary messages are anything.
    let mut decoder = Decoder::new(LONGEST);
    let mut bytes = frame(true, 2, b"\xff\x00");
    assert_eq!(decoder.decode(&mut bytes).unwrap().message, Some(Message::Binary(Cow::Borrowed(&b"\xff\x00"[..]))));
}

#[test]
fn closes() {
    check(&[frame(true, 8, b"")], &["close 0 "]);
    check(&[frame(true, 8, b"\x03\xe8bye")], &["close 1000 bye"]);
    check(&[frame(true, 8, b"\x03")], &["violation 1002"]);
    check(&[frame(true, 8, b"\x03\xe8\xff")], &["violation 1007"]);
    check(&[frame(true, 8, &[&b"\x03\xe8"[..], &[b'*'; 124]].concat())], &["violation 1002"]);
    check(&[frame(true, 8, b""), frame(true, 1, b"late")], &["close 0 "]);
    for code in [1000u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        check(&[frame(true, 8, &code.to_be_bytes())], &[&format!("close {code} ")]);
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        check(&[frame(true, 8, &code.to_be_bytes())], &["violation 1002"]);
    }
    assert_eq!(close_frame(CloseCode::TooBig, "no"), [0x88, 4, 0x03, 0xf1, b'n', b'o']);
    assert_eq!(close_answer(None), [0x88, 0]);
    assert_eq!(close_frame(CloseCode::Normal, &"é".repeat(100)).len(), 2 + 2 + 122);
}

#[test]
fn after_the_end_everything_is_passed_over() {
    let mut decoder = Decoder::new(LONGEST);
    assert!(decoder.decode(&mut [0xff]).is_err());
    assert_eq!(decoder.decode(&mut frame(true, 1, b"x")).unwrap(), Decoded { consumed: 7, message: None });
}

#[test]
fn lines_become_messages() {
    let check = |text: bool, line: &[u8], expected: &[u8]| {
        let mut buffer = Vec::new();
        encode_line(&mut buffer, text, line);
        assert_eq!(buffer, expected, "{line:?}");
    };
    check(true, b"PING x\r\n", b"\x81\x06PING x");
    check(true, b"PING x", b"\x81\x06PING x");
    check(false, b"PING \xff\r\n", b"\x82\x06PING \xff");
    check(true, b"PING \xff\r\n", b"\x81\x08PING \xef\xbf\xbd");
}

#[test]
fn the_client_s_order_of_subprotocols_wins() {
    let check = |offered: &[&str], expected: Option<&str>| {
        assert_eq!(choose_subprotocol(offered.iter().copied()), expected, "{offered:?}");
    };
    check(&[], None);
    check(&["chat"], None);
    check(&["text.ircv3.net"], Some(TEXT_SUBPROTOCOL));
    check(&["binary.ircv3.net, text.ircv3.net"], Some(BINARY_SUBPROTOCOL));
    check(&["text.ircv3.net,binary.ircv3.net"], Some(TEXT_SUBPROTOCOL));
    check(&["chat , binary.ircv3.net", "text.ircv3.net"], Some(BINARY_SUBPROTOCOL));
}

#[test]
fn keys_that_are_none_are_refused() {
    for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ", "AAAAAAAAAAAAAAAAAAAAAAAA", "not base64 at all!!!!!!!"] {
        assert_eq!(accept_key(key), None, "{key:?}");
    }
}

/// tungstenite's client encodes, we decode, and the other way round.
#[test]
fn tungstenite_understands_us_and_we_understand_it() {
    use std::io::{Read, Write};
    use tokio_tungstenite::tungstenite::Message as Theirs;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

    /// What the peer writes lands in `sent`; what it reads comes from `received`.
    struct Wire {
        sent: Vec<u8>,
        received: std::collections::VecDeque<u8>,
    }
    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.received.is_empty() {
                return Err(std::io::ErrorKind::WouldBlock.into());
            }
            self.received.read(buffer)
        }
    }
    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.sent.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let wire = Wire { sent: Vec::new(), received: Default::default() };
    let mut peer = WebSocket::from_raw_socket(wire, Role::Client, None);
    let long = "é".repeat(60_000);
    for message in [
        Theirs::text("PRIVMSG #tea :hi"),
        Theirs::text(long.as_str()),
        Theirs::binary(vec![7u8; 300]),
        Theirs::Ping(vec![1, 2, 3].into()),
        Theirs::Close(None),
    ] {
        peer.send(message).unwrap();
    }
    let sent = std::mem::take(&mut peer.get_mut().sent);
    assert_eq!(
        transcript(&sent, 200_000),
        ["text PRIVMSG #tea :hi", "text (120000 bytes)", "binary (300 bytes)", "ping \u{1}\u{2}\u{3}", "close 0 "]
    );

    let wire = Wire { sent: Vec::new(), received: Default::default() };
    let mut peer = WebSocket::from_raw_socket(wire, Role::Client, None);
    let mut ours = Vec::new();
    encode_line(&mut ours, true, b":server PRIVMSG #tea :hi\r\n");
    encode_line(&mut ours, false, long.as_bytes());
    ours.extend(ping_frame(b"are you there"));
    ours.extend(pong_frame(b"yes"));
    ours.extend(close_frame(CloseCode::GoingAway, "bye"));
    peer.get_mut().received.extend(ours);
    assert_eq!(peer.read().unwrap(), Theirs::text(":server PRIVMSG #tea :hi"));
    assert_eq!(peer.read().unwrap(), Theirs::binary(long.into_bytes()));
    assert_eq!(peer.read().unwrap(), Theirs::Ping(b"are you there".to_vec().into()));
    assert_eq!(peer.read().unwrap(), Theirs::Pong(b"yes".to_vec().into()));
    match peer.read().unwrap() {
        Theirs::Close(Some(close)) => assert_eq!((u16::from(close.code), close.reason.as_str()), (1001, "bye")),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_keep_more_than_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..400), longest in 0usize..300) {
        transcript(&bytes, longest);
    }

    /// Any messages, fragmented and cut anywhere, come out as they went in.
    #[test]
    fn messages_survive_fragments_and_cuts(
        messages in proptest::collection::vec((any::<bool>(), "\\PC{0,40}", 1usize..5), 1..8),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (text, payload, fragments) in &messages {
            let opcode = if *text { 1 } else { 2 };
            let size = payload.len().div_ceil(*fragments).max(1);
            let pieces: Vec<&[u8]> = if payload.is_empty() { vec![&[][..]] } else { payload.as_bytes().chunks(size).collect() };
            for (at, piece) in pieces.iter().enumerate() {
                bytes.extend(frame(at + 1 == pieces.len(), if at == 0 { opcode } else { 0 }, piece));
            }
            let payload = Cow::Borrowed(payload.as_bytes());
            expected.push(word(&if *text { Message::Text(payload) } else { Message::Binary(payload) }));
        }
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces: Vec<Vec<u8>> = places.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect();
        prop_assert_eq!(transcript_in_pieces(&pieces, LONGEST), expected);
    }
}
