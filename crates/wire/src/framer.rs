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
    /// `partial` begins with whole lines that were given back.
    held: bool,
}

/// A line, or what is known of one that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Without its line ending; may be empty.
    Line(&'a [u8]),
    /// A line of more than `max` bytes, reported once, at its end. `head` is its first `max` bytes, enough to find
    /// its tags and verb for the answer.
    TooLong { head: &'a [u8] },
}

/// The lines that a chunk completed. Does not borrow the [`Framer`]: whatever owns it can be used meanwhile.
#[derive(Debug)]
#[must_use = "lines that are not taken out are lost"]
pub struct Frames<'a> {
    /// Whole lines that had to be put together, before those of `chunk`.
    owned: Vec<u8>,
    owned_at: usize,
    /// Whole lines in the chunk itself.
    chunk: &'a [u8],
    max: usize,
}

impl Framer {
    pub const fn new() -> Framer {
        Framer {
            partial: Vec::new(),
            held: false,
        }
    }

    /// Takes the next bytes of the stream. `max` is the longest line in bytes without its ending
    /// ([`LineLimits::line`](crate::LineLimits::line)); it may differ from call to call.
    ///
    /// The unfinished rest of `chunk` is kept at once, so the chunk's buffer is free when the [`Frames`] are done.
    pub fn push<'a>(&mut self, chunk: &'a [u8], max: usize) -> Frames<'a> {
        let mut owned = self.take_held_lines();
        let mut rest = chunk;
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', chunk) else {
                self.keep(chunk, max);
                return Frames {
                    owned,
                    owned_at: 0,
                    chunk: &[],
                    max,
                };
            };
            self.keep(&chunk[..end], max);
            self.partial.push(b'\n');
            let completed = mem::take(&mut self.partial);
            if owned.is_empty() {
                owned = completed;
            } else {
                owned.extend_from_slice(&completed);
            }
            rest = &chunk[end + 1..];
        }
        let complete = memrchr(b'\n', rest).map_or(0, |end| end + 1);
        self.keep(&rest[complete..], max);
        Frames {
            owned,
            owned_at: 0,
            chunk: &rest[..complete],
            max,
        }
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

    fn take_held_lines(&mut self) -> Vec<u8> {
        if !mem::take(&mut self.held) {
            return Vec::new();
        }
        match memrchr(b'\n', &self.partial) {
            Some(end) => {
                let unfinished = if end + 1 == self.partial.len() {
                    Vec::new()
                } else {
                    self.partial.split_off(end + 1)
                };
                mem::replace(&mut self.partial, unfinished)
            }
            None => Vec::new(),
        }
    }

    /// Appends to the unfinished line as far as it can still matter: the line itself, its CR, and one byte more by
    /// which it is known to be too long.
    fn keep(&mut self, bytes: &[u8], max: usize) {
        let room = (max + 2).saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Frames<'_> {
    /// The next line, in the order of the stream.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        let line = if self.owned_at < self.owned.len() {
            let lines = &self.owned[self.owned_at..];
            // Both stretches end with LF, so nothing is left over.
            let end = memchr(b'\n', lines)?;
            self.owned_at += end + 1;
            &lines[..end]
        } else {
            let lines = self.chunk;
            let end = memchr(b'\n', lines)?;
            self.chunk = &lines[end + 1..];
            &lines[..end]
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(if line.len() > self.max {
            Frame::TooLong {
                head: &line[..self.max],
            }
        } else {
            Frame::Line(line)
        })
    }

    /// Whether all lines have been taken out.
    pub fn is_empty(&self) -> bool {
        self.owned_at >= self.owned.len() && self.chunk.is_empty()
    }
}
