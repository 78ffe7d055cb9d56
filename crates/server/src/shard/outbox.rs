//! What waits to be written to one connection. Nothing is allocated for a connection with nothing, or one thing, to say.

use session::room_index::Segment;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub struct Outbox {
    first: Option<Segment>,
    #[expect(clippy::box_collection, reason = "a queue inline would cost every idle connection 32 bytes")]
    rest: Option<Box<VecDeque<Segment>>>,
    bytes: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub fn push(&mut self, segment: Segment) {
        self.bytes += segment.len();
        if self.first.is_none() {
            self.first = Some(segment);
        } else {
            self.rest.get_or_insert_default().push_back(segment);
        }
    }

    /// Appends bytes that only this connection gets; into the last segment if that is its own too.
    pub fn push_own(&mut self, bytes: Vec<u8>) {
        let last = match &mut self.rest {
            Some(rest) if !rest.is_empty() => rest.back_mut(),
            _ => self.first.as_mut(),
        };
        if last.is_some_and(|last| last.try_append(&bytes)) {
            self.bytes += bytes.len();
        } else {
            self.push(Segment::new(bytes));
        }
    }

    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.first.iter().chain(self.rest.iter().flat_map(|rest| rest.iter()))
    }

    /// Forgets the first `count` bytes: they are written.
    pub fn advance(&mut self, mut count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        while let Some(first) = &mut self.first {
            if count < first.len() {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.first = self.rest.as_mut().and_then(|rest| rest.pop_front());
        }
        // Nothing waits: an idle connection holds no queue.
        self.rest = None;
    }

    pub fn clear(&mut self) {
        *self = Outbox::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in_however_they_are_taken() {
        for step in 1..12 {
            let mut outbox = Outbox::default();
            outbox.push(Segment::new(b"one ".to_vec()));
            outbox.push_own(b"two ".to_vec());
            let shared = Segment::new(b"three ".to_vec());
            outbox.push(shared.clone());
            outbox.push_own(b"four".to_vec());
            outbox.push_own(b" five".to_vec());
            let mut written = Vec::new();
            while !outbox.is_empty() {
                let waiting: Vec<u8> = outbox.segments().flat_map(|segment| segment.bytes().to_vec()).collect();
                assert_eq!(waiting.len(), outbox.len());
                let count = step.min(waiting.len());
                written.extend_from_slice(&waiting[..count]);
                outbox.advance(count);
            }
            assert_eq!(String::from_utf8_lossy(&written), "one two three four five");
            assert_eq!(outbox.len(), 0);
            assert_eq!(&*shared.bytes(), b"three ", "someone else's bytes were changed");
        }
    }
}
