//! Cuts a stream of bytes into lines.
//!
//! A line ends with LF, or CR LF. Lines that lie whole in the chunk just read are given as slices of it; only a line
//! that is cut by the end of a chunk is copied. A connection that waits between lines holds no heap memory.

use std::mem;

use memchr::{memchr, memrchr};

/// The unfinished line of one connection.
///
/// Memory: at most `max + 2` bytes of one line (a [`Vec`] may have reserved up to twice that), plus what
/// [`Framer::hold`] gave back. Bytes of a line beyond that are dropped as they come, and the line is reported as
/// [`Frame::TooLong`] when it ends.
#[derive(Debug, Default)]
pub struct Framer {
    partial: Vec<u8>,
    /// Bytes of the unfinished line that were dropped.
    dropped: u32,
    /// `partial` begins with whole lines that were given back.
    held: bool,
}

/// A line, or what is known of one that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Without its line ending; may be empty.
    Line(&'a [u8]),
    /// A line of more than `max` bytes, reported once, at its end. `head` is its first `max` bytes, enough to find
    /// its tags and verb for the answer. `length`: how many it had; of one that was given back ([`Framer::hold`]), how many
    /// were kept.
    TooLong { head: &'a [u8], length: usize },
}

/// The lines that a chunk completed. Does not borrow the [`Framer`]: whatever owns it can be used meanwhile.
#[derive(Debug)]
#[must_use = "lines that are not taken out are lost"]
pub struct Frames<'a> {
    /// Whole lines that had to be put together, before those of `chunk`.
    owned: Vec<u8>,
    owned_at: usize,
    /// Bytes of the last of them that were dropped.
    dropped: u32,
    /// Whole lines in the chunk itself.
    chunk: &'a [u8],
    max: usize,
}

impl Framer {
    pub const fn new() -> Framer {
        Framer { partial: Vec::new(), dropped: 0, held: false }
    }

    /// Takes the next bytes of the stream. `max` is the longest line in bytes without its ending
    /// ([`LineLimits::line`](crate::LineLimits::line)); it may differ from call to call.
    ///
    /// The unfinished rest of `chunk` is kept at once, so the chunk's buffer is free when the [`Frames`] are done.
    pub fn push<'a>(&mut self, chunk: &'a [u8], max: usize) -> Frames<'a> {
        let mut owned = self.take_held_lines();
        let mut rest = chunk;
        let mut dropped = 0;
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', chunk) else {
                self.keep(chunk, max);
                return Frames { owned, owned_at: 0, dropped: 0, chunk: &[], max };
            };
            self.keep(&chunk[..end], max);
            self.partial.push(b'\n');
            let completed = mem::take(&mut self.partial);
            dropped = mem::take(&mut self.dropped);
            if owned.is_empty() {
                owned = completed;
            } else {
                owned.extend_from_slice(&completed);
            }
            rest = &chunk[end + 1..];
        }
        let complete = memrchr(b'\n', rest).map_or(0, |end| end + 1);
        self.keep(&rest[complete..], max);
        Frames { owned, owned_at: 0, dropped, chunk: &rest[..complete], max }
    }

    /// Takes back lines that are not to be worked on yet, because the connection has used up its flood allowance or
    /// waits for an answer. The next [`Framer::push`], of an empty chunk too, gives them again, first and in order.
    ///
    /// Memory: a copy of those lines. Read nothing more from the connection until they are through, and one chunk is
    /// the most that is held.
    pub fn hold(&mut self, frames: Frames<'_>) {
        if frames.is_empty() {
            return;
        }
        let mut lines = frames.owned;
        lines.drain(..frames.owned_at);
        lines.extend_from_slice(frames.chunk);
        lines.extend_from_slice(&self.partial);
        self.partial = lines;
        self.held = true;
    }

    /// Whether [`Framer::hold`] left whole lines here that wait for the next push.
    pub fn is_holding(&self) -> bool {
        self.held
    }

    /// The kept bytes: the unfinished line (before it, lines on hold). Shows early that a peer speaks something else.
    pub fn pending(&self) -> &[u8] {
        &self.partial
    }

    /// How many bytes the unfinished line has, kept or not.
    pub fn unfinished(&self) -> usize {
        let line = memrchr(b'\n', &self.partial).map_or(0, |end| end + 1);
        self.partial.len() - line + self.dropped as usize
    }

    fn take_held_lines(&mut self) -> Vec<u8> {
        if !mem::take(&mut self.held) {
            return Vec::new();
        }
        match memrchr(b'\n', &self.partial) {
            Some(end) => {
                let unfinished =
                    if end + 1 == self.partial.len() { Vec::new() } else { self.partial.split_off(end + 1) };
                mem::replace(&mut self.partial, unfinished)
            }
            None => Vec::new(),
        }
    }

    /// Appends to the unfinished line as far as it can still matter: the line itself, its CR, and one byte more by
    /// which it is known to be too long.
    fn keep(&mut self, bytes: &[u8], max: usize) {
        let room = (max + 2).saturating_sub(self.partial.len());
        let (kept, dropped) = bytes.split_at(bytes.len().min(room));
        self.partial.extend_from_slice(kept);
        self.dropped = self.dropped.saturating_add(u32::try_from(dropped.len()).unwrap_or(u32::MAX));
    }
}

impl Frames<'_> {
    /// The next line, in the order of the stream.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        let mut dropped = 0;
        let line = if self.owned_at < self.owned.len() {
            let lines = &self.owned[self.owned_at..];
            // Both stretches end with LF, so nothing is left over.
            let end = memchr(b'\n', lines)?;
            self.owned_at += end + 1;
            if self.owned_at == self.owned.len() {
                dropped = self.dropped as usize;
            }
            &lines[..end]
        } else {
            let lines = self.chunk;
            let end = memchr(b'\n', lines)?;
            self.chunk = &lines[end + 1..];
            &lines[..end]
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(match line.len() > self.max {
            true => Frame::TooLong { head: &line[..self.max], length: line.len() + dropped },
            false => Frame::Line(line),
        })
    }

    /// Whether all lines have been taken out.
    pub fn is_empty(&self) -> bool {
        self.owned_at >= self.owned.len() && self.chunk.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 8;

    fn take(mut frames: Frames<'_>, into: &mut Vec<String>) {
        while let Some(frame) = frames.next_frame() {
            into.push(match frame {
                Frame::Line(line) => String::from_utf8_lossy(line).into_owned(),
                Frame::TooLong { head, .. } => format!("too long: {}", String::from_utf8_lossy(head)),
            });
        }
    }

    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::new();
        let mut lines = Vec::new();
        for chunk in chunks {
            take(framer.push(chunk, MAX), &mut lines);
            assert!(framer.pending().len() <= MAX + 2);
        }
        lines
    }

    #[test]
    fn lines_in_one_chunk_and_byte_by_byte() {
        #[track_caller]
        fn check(stream: &[u8], expected: &[&str]) {
            assert_eq!(lines_of(&[stream]), expected, "whole");
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(lines_of(&bytes), expected, "byte by byte");
            for cut in 0..stream.len() {
                assert_eq!(lines_of(&[&stream[..cut], &stream[cut..]]), expected, "cut at {cut}");
            }
        }
        check(b"", &[]);
        check(b"a", &[]);
        check(b"a\n", &["a"]);
        check(b"a\r\n", &["a"]);
        check(b"a\r\nb\nc", &["a", "b"]);
        check(b"\n\r\n\n", &["", "", ""]);
        check(b"a\r\r\n", &["a\r"]);
        check(b"a\rb\n", &["a\rb"]);
        check(b"12345678\r\n", &["12345678"]);
        check(b"12345678\n", &["12345678"]);
        check(b"123456789\r\n", &["too long: 12345678"]);
        check(b"12345678\r\r\n", &["too long: 12345678"]);
        check(b"12345678\rx\n", &["too long: 12345678"]);
        check(b"a\n1234567890123456789012345\r\nb\r\n", &["a", "too long: 12345678", "b"]);
        check(b"1234567890\n1234567890\n", &["too long: 12345678", "too long: 12345678"]);
    }

    #[test]
    fn whole_lines_are_slices_of_the_chunk() {
        let chunk = b"one\r\ntwo\r\nthr";
        let mut framer = Framer::new();
        let mut frames = framer.push(chunk, MAX);
        let range = chunk.as_ptr_range();
        while let Some(Frame::Line(line)) = frames.next_frame() {
            assert!(range.contains(&line.as_ptr()));
        }
        assert_eq!(framer.pending(), b"thr");
    }

    #[test]
    fn an_idle_framer_holds_no_memory() {
        let mut framer = Framer::new();
        let mut lines = Vec::new();
        for chunk in [&b"on"[..], b"e\r", b"\ntwo\r\n", b"123456789012", b"34\n"] {
            take(framer.push(chunk, MAX), &mut lines);
        }
        assert_eq!(lines, ["one", "two", "too long: 12345678"]);
        assert_eq!(framer.partial.capacity(), 0);
    }

    #[test]
    fn memory_of_an_endless_line_is_bounded() {
        let mut framer = Framer::new();
        for _ in 0..10_000 {
            assert!(framer.push(&[b'x'; 100], 512).is_empty());
        }
        assert_eq!(framer.pending().len(), 514);
        assert!(framer.partial.capacity() <= 2 * 514);
    }

    #[test]
    fn the_length_of_a_long_line_is_known_however_it_comes() {
        let line = b"one\n123456789012345678901234567890\ntwo\n";
        for cut in 0..line.len() {
            let mut framer = Framer::new();
            let mut lengths = Vec::new();
            for chunk in [&line[..cut], &line[cut..]] {
                let mut frames = framer.push(chunk, MAX);
                while let Some(frame) = frames.next_frame() {
                    lengths.push(match frame {
                        Frame::Line(line) => line.len(),
                        Frame::TooLong { length, .. } => length,
                    });
                }
            }
            assert_eq!(lengths, [3, 30, 3], "cut at {cut}");
        }
        let mut framer = Framer::new();
        for _ in 0..7 {
            assert!(framer.push(b"12345", MAX).is_empty());
        }
        assert_eq!(framer.unfinished(), 35);
    }

    #[test]
    fn lines_on_hold_come_again_in_order() {
        for take_before_hold in 0..=4 {
            let mut framer = Framer::new();
            let mut lines = Vec::new();
            assert!(framer.push(b"on", MAX).is_empty());
            let mut frames = framer.push(b"e\ntwo\nthree\nfour\nfi", MAX);
            for _ in 0..take_before_hold {
                let Some(Frame::Line(line)) = frames.next_frame() else { panic!("four lines") };
                lines.push(String::from_utf8_lossy(line).into_owned());
            }
            framer.hold(frames);
            assert_eq!(framer.is_holding(), take_before_hold < 4);
            take(framer.push(b"", MAX), &mut lines);
            assert!(!framer.is_holding());
            take(framer.push(b"ve\nsix\n", MAX), &mut lines);
            assert_eq!(lines, ["one", "two", "three", "four", "five", "six"]);
            assert_eq!(framer.partial.capacity(), 0);
        }
    }

    #[test]
    fn hold_twice_and_push_more() {
        let mut framer = Framer::new();
        let frames = framer.push(b"a\nb\n12345678901", MAX);
        framer.hold(frames);
        let frames = framer.push(b"2\nc\n", MAX);
        framer.hold(frames);
        let mut lines = Vec::new();
        take(framer.push(b"d\n", MAX), &mut lines);
        assert_eq!(lines, ["a", "b", "too long: 12345678", "c", "d"]);
    }
}
