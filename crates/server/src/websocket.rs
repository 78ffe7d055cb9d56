//! WebSocket, the server's side: RFC 6455 frames to and from bytes, and the terms of the handshake.
//!
//! Pure: no socket, no clock. Ours because a server's frame is not masked, so one encoded frame can be shared by all who
//! receive the same line; no library allows that. No extensions: permessage-deflate would cost memory for each connection
//! and invite bombs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The subprotocols of the IRCv3 `websocket` specification: one line a message, without CR LF.
pub const TEXT_SUBPROTOCOL: &str = "text.ircv3.net";
pub const BINARY_SUBPROTOCOL: &str = "binary.ircv3.net";

/// The longest payload of a control frame (RFC 6455 section 5.5).
const CONTROL_PAYLOAD: usize = 125;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// Why a connection is closed (RFC 6455 section 7.4.1); the ones that we send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum CloseCode {
    Normal = 1000,
    GoingAway = 1001,
    ProtocolError = 1002,
    InvalidText = 1007,
    PolicyViolation = 1008,
    TooBig = 1009,
    InternalError = 1011,
}

/// What the client sent, complete and unmasked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// Valid UTF-8, checked.
    Text(Cow<'a, [u8]>),
    Binary(Cow<'a, [u8]>),
    /// To be answered with a [`pong_frame`] of the same payload.
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    /// To be answered with a [`close_frame`] of the same code if we have not sent one; nothing follows.
    Close {
        code: Option<u16>,
        reason: &'a str,
    },
}

/// The client broke the protocol or a limit; the answer is a close frame with `code`, then the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    pub code: CloseCode,
    pub reason: &'static str,
}

/// One step of a [`Decoder`].
#[derive(PartialEq, Eq, Debug)]
pub struct Decoded<'a> {
    /// So many bytes at the front of the input are done with.
    pub consumed: usize,
    /// `None`: the rest of the input is an unfinished frame; keep it and come back with more behind it.
    pub message: Option<Message<'a>>,
}

/// Takes messages off a connection's bytes.
///
/// It holds nothing but the earlier fragments of an unfinished message, so an idle connection costs these few words. An
/// unfinished frame stays in the caller's buffer, of at most `longest_message` bytes and a header of 14: the length in a
/// frame's header is judged before its payload is waited for.
#[derive(Debug)]
pub struct Decoder {
    longest_message: usize,
    /// The fragments so far and whether they are text.
    unfinished: Option<Box<Unfinished>>,
    /// A violation or a close came; nothing counts after it.
    ended: bool,
}

#[derive(Debug)]
struct Unfinished {
    text: bool,
    payload: Vec<u8>,
}

struct FrameHeader {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Bytes of the header itself.
    length: usize,
    payload: usize,
}

impl Decoder {
    pub fn new(longest_message: usize) -> Decoder {
        Decoder { longest_message, unfinished: None, ended: false }
    }

    /// Takes the first complete message off `input`, unmasking it where it lies. Call it again with the rest of the input
    /// until it gives no message.
    ///
    /// # Errors
    /// The first [`Violation`] ends the conversation; every later call consumes everything and gives nothing.
    pub fn decode<'a>(&mut self, input: &'a mut [u8]) -> Result<Decoded<'a>, Violation> {
        if self.ended {
            return Ok(Decoded { consumed: input.len(), message: None });
        }
        let step = self.decode_frames(input);
        if !matches!(
            step,
            Ok(Decoded {
                message: None | Some(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_)),
                ..
            })
        ) {
            self.ended = true;
            self.unfinished = None;
        }
        step
    }

    fn decode_frames<'a>(&mut self, mut rest: &'a mut [u8]) -> Result<Decoded<'a>, Violation> {
        let mut consumed = 0;
        loop {
            let Some(header) = self.parse_header(rest)? else {
                return Ok(Decoded { consumed, message: None });
            };
            if rest.len() - header.length < header.payload {
                return Ok(Decoded { consumed, message: None });
            }
            let (frame, after) = rest.split_at_mut(header.length + header.payload);
            let payload = &mut frame[header.length..];
            unmask(payload, header.mask);
            consumed += header.length + header.payload;
            if let Some(message) = self.take_frame(&header, payload)? {
                return Ok(Decoded { consumed, message: Some(message) });
            }
            rest = after;
        }
    }

    /// The header at the front, as far as it is there; judged field by field, as early as possible.
    fn parse_header(&self, bytes: &[u8]) -> Result<Option<FrameHeader>, Violation> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return Err(protocol_error("a reserved bit is set, and no extension was agreed on"));
        }
        let Some(opcode) = Opcode::from_bits(first & 0x0F) else {
            return Err(protocol_error("this opcode is reserved"));
        };
        let fin = first & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(protocol_error("a control frame must not be fragmented"));
        }
        match (opcode, &self.unfinished) {
            (Opcode::Continuation, None) => {
                return Err(protocol_error("there is nothing to continue"));
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(protocol_error("a new message began inside a fragmented one"));
            }
            _ => {}
        }
        let Some(&second) = bytes.get(1) else {
            return Ok(None);
        };
        if second & 0x80 == 0 {
            return Err(protocol_error("a client's frame must be masked"));
        }
        let short = usize::from(second & 0x7F);
        if opcode.is_control() && short > CONTROL_PAYLOAD {
            return Err(protocol_error("a control frame has at most 125 bytes"));
        }
        let (payload, length_bytes) = match short {
            126 => match bytes.get(2..4) {
                Some(&[a, b]) => (u64::from(u16::from_be_bytes([a, b])), 2),
                _ => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
                Some(bytes) => (u64::from_be_bytes(bytes), 8),
                None => return Ok(None),
            },
            short => (short as u64, 0),
        };
        // "the minimal number of bytes MUST be used to encode the length", and the highest of 64 bits is 0 (section 5.2).
        if (length_bytes == 2 && payload < 126) || (length_bytes == 8 && payload <= 0xFFFF) || payload >> 63 != 0 {
            return Err(protocol_error("the payload's length is not written in its shortest form"));
        }
        let before = self.unfinished.as_ref().map_or(0, |unfinished| unfinished.payload.len());
        let allowed = if opcode.is_control() { CONTROL_PAYLOAD } else { self.longest_message.saturating_sub(before) };
        let payload = usize::try_from(payload)
            .ok()
            .filter(|payload| *payload <= allowed)
            .ok_or(Violation { code: CloseCode::TooBig, reason: "the message is too long" })?;
        let mask_at = 2 + length_bytes;
        let Some(mask) = bytes.get(mask_at..mask_at + 4).and_then(|mask| mask.try_into().ok()) else {
            return Ok(None);
        };
        Ok(Some(FrameHeader { fin, opcode, mask, length: mask_at + 4, payload }))
    }

    fn take_frame<'a>(&mut self, header: &FrameHeader, payload: &'a [u8]) -> Result<Option<Message<'a>>, Violation> {
        match (header.opcode, header.fin) {
            (Opcode::Ping, _) => Ok(Some(Message::Ping(payload))),
            (Opcode::Pong, _) => Ok(Some(Message::Pong(payload))),
            (Opcode::Close, _) => parse_close(payload).map(Some),
            (Opcode::Text, true) => complete(true, Cow::Borrowed(payload)).map(Some),
            (Opcode::Binary, true) => complete(false, Cow::Borrowed(payload)).map(Some),
            (Opcode::Text | Opcode::Binary, false) => {
                let text = header.opcode == Opcode::Text;
                self.unfinished = Some(Box::new(Unfinished { text, payload: payload.to_vec() }));
                Ok(None)
            }
            (Opcode::Continuation, fin) => {
                let Some(unfinished) = &mut self.unfinished else {
                    return Ok(None);
                };
                unfinished.payload.extend_from_slice(payload);
                if !fin {
                    return Ok(None);
                }
                match self.unfinished.take() {
                    Some(done) => complete(done.text, Cow::Owned(done.payload)).map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

fn complete(text: bool, payload: Cow<'_, [u8]>) -> Result<Message<'_>, Violation> {
    if !text {
        return Ok(Message::Binary(payload));
    }
    match std::str::from_utf8(&payload) {
        Ok(_) => Ok(Message::Text(payload)),
        Err(_) => Err(Violation { code: CloseCode::InvalidText, reason: "the text is not UTF-8" }),
    }
}

fn parse_close(payload: &[u8]) -> Result<Message<'_>, Violation> {
    match payload {
        [] => Ok(Message::Close { code: None, reason: "" }),
        [_] => Err(protocol_error("a close frame's code has two bytes")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            // Section 7.4: 1004 to 1006 and 1015 never stand in a frame, the rest of 1000 to 2999 is registered bit by bit.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(protocol_error("this close code must not be sent"));
            }
            match std::str::from_utf8(reason) {
                Ok(reason) => Ok(Message::Close { code: Some(code), reason }),
                Err(_) => Err(Violation { code: CloseCode::InvalidText, reason: "the close reason is not UTF-8" }),
            }
        }
    }
}

fn protocol_error(reason: &'static str) -> Violation {
    Violation { code: CloseCode::ProtocolError, reason }
}

/// Section 5.3. Eight bytes at a time: this runs over everything that browsers send.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Appends the header of a final, unmasked frame with `payload` bytes.
pub fn frame_header_into(buffer: &mut Vec<u8>, opcode: Opcode, payload: usize) {
    buffer.push(0x80 | opcode as u8);
    match payload {
        0..=125 => buffer.push(payload as u8),
        126..=0xFFFF => {
            buffer.push(126);
            buffer.extend_from_slice(&(payload as u16).to_be_bytes());
        }
        _ => {
            buffer.push(127);
            buffer.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
}

/// Appends one IRC line as one message, without a CR LF at its end. In a text message, what is not UTF-8 becomes U+FFFD,
/// since browsers close a connection that sends such a thing (spec `websocket`).
pub fn encode_line(buffer: &mut Vec<u8>, text: bool, line: &[u8]) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !text {
        frame_header_into(buffer, Opcode::Binary, line.len());
        buffer.extend_from_slice(line);
        return;
    }
    let line = String::from_utf8_lossy(line);
    frame_header_into(buffer, Opcode::Text, line.len());
    buffer.extend_from_slice(line.as_bytes());
}

/// A close frame; a reason that does not fit is cut at a character's boundary.
pub fn close_frame(code: CloseCode, reason: &str) -> Vec<u8> {
    close_frame_of(Some(code as u16), reason)
}

/// The answer to a client's close: its own code, or none when it gave none.
pub fn close_answer(code: Option<u16>) -> Vec<u8> {
    close_frame_of(code, "")
}

fn close_frame_of(code: Option<u16>, reason: &str) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(CONTROL_PAYLOAD - 2)];
    let mut frame = Vec::with_capacity(4 + reason.len());
    match code {
        Some(code) => {
            frame_header_into(&mut frame, Opcode::Close, 2 + reason.len());
            frame.extend_from_slice(&code.to_be_bytes());
            frame.extend_from_slice(reason.as_bytes());
        }
        None => frame_header_into(&mut frame, Opcode::Close, 0),
    }
    frame
}

/// Payloads of pings are at most 125 bytes; a longer one is cut.
pub fn pong_frame(payload: &[u8]) -> Vec<u8> {
    control_frame(Opcode::Pong, payload)
}

pub fn ping_frame(payload: &[u8]) -> Vec<u8> {
    control_frame(Opcode::Ping, payload)
}

fn control_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(CONTROL_PAYLOAD)];
    let mut frame = Vec::with_capacity(2 + payload.len());
    frame_header_into(&mut frame, opcode, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2), or `None` if the key is not 16 bytes in base64.
pub fn accept_key(key: &str) -> Option<String> {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let key = key.trim();
    if STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key.as_bytes());
    context.update(GUID);
    Some(STANDARD.encode(context.finish()))
}

/// The first subprotocol of the client's list that we speak: "respecting the client's order of preference". `None`: it
/// offered none of ours; then the conversation is in text, without naming a subprotocol.
pub fn choose_subprotocol<'a>(offered: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    offered.flat_map(|list| list.split(',')).map(str::trim).find_map(|name| {
        [TEXT_SUBPROTOCOL, BINARY_SUBPROTOCOL].into_iter().find(|known| known.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests;
