//! Identifiers. Durable things carry a UUIDv7 (RFC 9562); what is only looked up fast carries a small number.

use std::fmt;
use uuid::Uuid;

/// Milliseconds since the Unix epoch. The sequencer never lets it go back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub u64);

/// Place of an entry in the server's one order; grows by one for each command that is applied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position(pub u64);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A person's identity: an account for ever, a guest for one stay.
    ClientId
);
uuid_id!(
    /// A room, through every change of its name.
    ChatroomId
);
uuid_id!(
    /// A message. Its bits hold time and position, so ids sort in the order of the server.
    MessageId
);

/// A room's small number: its key in the store and in every index. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RoomNumber(pub u32);

/// One device's conversation: which shard owns it, its place there, and a generation so that a stale one means nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId {
    pub shard: u16,
    pub slot: u32,
    pub generation: u32,
}

impl MessageId {
    /// When it was said: the first 48 bits (RFC 9562 section 5.7).
    pub fn time(self) -> Timestamp {
        let mut time = [0; 8];
        time[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        Timestamp(u64::from_be_bytes(time))
    }
}

/// Counts a session's requests from 1, so that answers find their question (and its label). 0 is none.
pub type RequestNumber = u32;

/// Makes UUIDv7 from a time, a number that never repeats within the process, and a seed chosen at start.
/// The random bits are a bijection of the number under the seed: unique without a source of chance in this crate.
pub fn uuid_v7(time: Timestamp, number: u64, seed: u64) -> Uuid {
    let low = mix(number ^ seed);
    let high = mix(low ^ seed.rotate_left(32)) as u16;
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&time.0.to_be_bytes()[2..]);
    // rand_a takes the number's low bits in order, so that ids of one millisecond still sort by position.
    let ordered = (number & 0x0fff) as u16;
    bytes[6] = 0x70 | (ordered >> 8) as u8;
    bytes[7] = ordered as u8;
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    // The two bits that the variant took away come back in the low bits of the last byte's neighbour.
    bytes[15] ^= (high & 0x03) as u8;
    Uuid::from_bytes(bytes)
}

/// The finaliser of SplitMix64, a bijection on 64 bits.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_unique_and_sorted_within_a_millisecond() {
        let ids: Vec<Uuid> = (0..4000).map(|n| uuid_v7(Timestamp(1_700_000_000_000), n, 7)).collect();
        for pair in ids.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    }
}
