//! What a line crosses, as far as it is known.

use std::net::SocketAddr;

/// A connection, from the end that looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// Lines travel in WebSocket frames.
    pub websocket: bool,
    pub tls: Option<RecordProtection>,
    /// What one segment carries at most without its options, as the kernel says (`tcpi_snd_mss`). `None`: not told.
    pub segment_bytes: Option<usize>,
    /// Every segment has the timestamps option (RFC 7323). `None`: not told.
    pub timestamps: Option<bool>,
    pub link: Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// What the packets of a connection travel in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// This machine itself: the kernel hands the packet back, and there is no frame.
    Loopback,
    /// Ethernet, or Wi-Fi, whose frames the system shows as Ethernet's. The addresses as texts, where they are known.
    Ethernet {
        own: Option<String>,
        next: Option<String>,
    },
    /// Another kind (a tunnel, a modem).
    Other,
    Unknown,
}

/// What a TLS record adds to what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordProtection {
    /// Bytes of the nonce that TLS 1.2 sends with each record instead of deriving them (RFC 5288 section 3).
    pub explicit_nonce: usize,
    /// The real type of what is carried, hidden at its end (RFC 8446 section 5.2).
    pub inner_type: usize,
    /// What shows that nobody changed it.
    pub tag: usize,
}

impl RecordProtection {
    /// By the suite's name, as the IANA registry or rustls writes it. All suites of TLS 1.3, and those of TLS 1.2 with
    /// authenticated encryption; no other has a fixed size.
    pub fn of_suite(name: &str) -> Option<RecordProtection> {
        let name = name.to_ascii_uppercase();
        let is_13 = name.starts_with("TLS13_") || (name.starts_with("TLS_") && !name.contains("_WITH_"));
        // RFC 6655 section 4 and RFC 8446 appendix B.4: the tag is cut to 8 bytes.
        let tag = if name.contains("CCM_8") { 8 } else { 16 };
        if is_13 {
            return Some(RecordProtection { explicit_nonce: 0, inner_type: 1, tag });
        }
        let explicit_nonce = if name.contains("CHACHA20_POLY1305") {
            // RFC 7905 section 2: all of the nonce is derived.
            0
        } else if name.contains("_GCM_") || name.contains("_CCM") {
            8
        } else {
            return None;
        };
        Some(RecordProtection { explicit_nonce, inner_type: 0, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_suite_adds() {
        for (suite, expected) in [
            ("TLS13_AES_256_GCM_SHA384", Some((0, 1, 16))),
            ("TLS_AES_128_GCM_SHA256", Some((0, 1, 16))),
            ("TLS_AES_128_CCM_8_SHA256", Some((0, 1, 8))),
            ("TLS13_CHACHA20_POLY1305_SHA256", Some((0, 1, 16))),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Some((8, 0, 16))),
            ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Some((0, 0, 16))),
            ("TLS_RSA_WITH_AES_128_CBC_SHA", None),
        ] {
            let found = RecordProtection::of_suite(suite);
            assert_eq!(found.map(|found| (found.explicit_nonce, found.inner_type, found.tag)), expected, "{suite}");
        }
    }
}
