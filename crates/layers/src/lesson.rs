//! The words of the lesson: each thing that is shown, in two sentences, and the heading it belongs to.

/// The headings of the lesson, as `docs/lesson.md` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    OsiModel,
    Dns,
    Mdns,
    Ethernet,
    MacAddress,
    IpAddress,
    Ports,
    Sockets,
    Packets,
}

impl Heading {
    pub const ALL: [Heading; 9] = [
        Heading::OsiModel,
        Heading::Dns,
        Heading::Mdns,
        Heading::Ethernet,
        Heading::MacAddress,
        Heading::IpAddress,
        Heading::Ports,
        Heading::Sockets,
        Heading::Packets,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Heading::OsiModel => "OSI model",
            Heading::Dns => "DNS",
            Heading::Mdns => "mDNS",
            Heading::Ethernet => "Ethernet",
            Heading::MacAddress => "MAC address",
            Heading::IpAddress => "IP address",
            Heading::Ports => "Ports",
            Heading::Sockets => "Sockets",
            Heading::Packets => "Packets",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    pub name: &'static str,
    /// Two sentences.
    pub explanation: &'static str,
    pub heading: Heading,
}

impl Term {
    pub fn named(name: &str) -> Option<&'static Term> {
        TERMS.iter().find(|term| term.name == name)
    }
}

/// All of them, from what a person wrote down to the cable, then what surrounds it.
pub const TERMS: &[Term] = &[
    Term {
        name: "Text",
        explanation: "What a person wrote, as UTF-8: one byte for each letter of English, two to four for others. It is what all other layers are there for.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "IRC line",
        explanation: "The application's own protocol (layer 7): a command, whom it is for and the text, ended by carriage return and line feed. You could type it by hand with netcat.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "WebSocket frame",
        explanation: "A browser's programs may not open bare TCP connections, so each line is put into a frame that says how long it is (RFC 6455). What a browser sends is mixed with four random bytes, so that nothing on the way takes it for something else.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "TLS record",
        explanation: "The line, encrypted, with a header of five bytes before it and a tag behind it that shows that nobody changed it. Who listens on the way sees how long it is, and nothing else.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "TCP segment",
        explanation: "TCP (layer 4) makes a reliable stream of bytes out of packets that may be lost or overtake each other: it numbers, confirms and repeats them. Its header has the two ports, and what does not fit one segment goes into several.",
        heading: Heading::Packets,
    },
    Term {
        name: "IP packet",
        explanation: "IP (layer 3) brings a packet from one network to another until it reaches the address in its header; each router on the way looks at nothing else. It promises nothing: a packet may be lost.",
        heading: Heading::Packets,
    },
    Term {
        name: "Ethernet frame",
        explanation: "Ethernet (layer 2) brings the packet over one cable or one Wi-Fi to the next machine, by MAC addresses; each hop has a new frame. Behind it stands a checksum of four bytes (FCS) that the network card makes and checks, so no program sees it.",
        heading: Heading::Ethernet,
    },
    Term {
        name: "Address",
        explanation: "An IP address says to which network a machine belongs and which one it is there; IPv4 has 32 bits, IPv6 has 128. Private ones (10…, 172.16…, 192.168…, fd…) are used again in every home, and not reachable from outside.",
        heading: Heading::IpAddress,
    },
    Term {
        name: "NAT",
        explanation: "A router may write its own address over yours, so that many machines share one. You see it when the server sees you under another address or port than your own machine does.",
        heading: Heading::IpAddress,
    },
    Term {
        name: "Port",
        explanation: "A number of 16 bits that says which program on a machine a packet is for. The server's is agreed (6697 for IRC with TLS, 6667 without), yours was picked by your system when the connection opened.",
        heading: Heading::Ports,
    },
    Term {
        name: "Socket",
        explanation: "One end of a connection, as a program holds it; two addresses, two ports and the protocol tell it from all others. Its state says how far it is: ESTABLISHED means that both ends can talk.",
        heading: Heading::Sockets,
    },
    Term {
        name: "Round-trip time",
        explanation: "How long a segment and its confirmation take there and back, averaged by TCP, and how much that varies. TCP repeats what has not been confirmed after about this time and four times its variance.",
        heading: Heading::Sockets,
    },
    Term {
        name: "Retransmits",
        explanation: "Segments that TCP sent again because nobody confirmed them in time. A few are usual on Wi-Fi; many mean that packets are lost.",
        heading: Heading::Packets,
    },
    Term {
        name: "Congestion window",
        explanation: "So many segments TCP lets onto the network before the first of them is confirmed. It grows while all goes well and shrinks when packets are lost, which is how everyone shares a line.",
        heading: Heading::Sockets,
    },
    Term {
        name: "Segment size",
        explanation: "The most that one segment carries (MSS): the MTU without the headers of IP and TCP. Both ends tell theirs when the connection opens, and the smaller one holds.",
        heading: Heading::Packets,
    },
    Term {
        name: "Bytes",
        explanation: "What TCP has sent, what the other end has confirmed and what was received, TLS and WebSocket included. Sent but not confirmed bytes are still under way, or lost and sent again.",
        heading: Heading::Sockets,
    },
    Term {
        name: "Interface",
        explanation: "The network card, or what stands for one, that the packets of this connection leave through. The loopback interface (lo) leads back to this machine itself.",
        heading: Heading::Ethernet,
    },
    Term {
        name: "MTU",
        explanation: "The longest packet that an interface can send in one frame, 1500 bytes on Ethernet. Longer data is cut by TCP before it gets there.",
        heading: Heading::Ethernet,
    },
    Term {
        name: "MAC address",
        explanation: "48 bits that name a network card on its own cable or Wi-Fi; the first half often tells who made it. It never goes further than the next router.",
        heading: Heading::MacAddress,
    },
    Term {
        name: "Next hop",
        explanation: "Who gets the frame: the other machine itself if it is on the same network, else the router. Its MAC address was asked for by ARP (IPv4) or neighbour discovery (IPv6).",
        heading: Heading::MacAddress,
    },
    Term {
        name: "TLS",
        explanation: "Encrypts the connection, and proves with a certificate that the server is who it says. Version and suite say how; both ends agreed on them in the handshake.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "Certificate",
        explanation: "A signed statement that a key belongs to a name; its fingerprint is short for all of it. One that nobody known has signed is pinned: remembered at the first visit, or before it from a join code, and any other one refused.",
        heading: Heading::OsiModel,
    },
    Term {
        name: "DNS question",
        explanation: "Names are for people, packets need addresses: DNS is asked for A (IPv4), AAAA (IPv6) or SRV (which machine and port does a service). An answer may be kept for so many seconds (TTL).",
        heading: Heading::Dns,
    },
    Term {
        name: "mDNS question",
        explanation: "The same question, asked of everyone on the local network at once (224.0.0.251 or ff02::fb, port 5353), without any server. Whoever bears the name answers, which is how a server is found in a room without internet.",
        heading: Heading::Mdns,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_term_has_two_sentences_and_each_heading_a_term() {
        for term in TERMS {
            // "(10…, 172.16…)" and "RFC 6455)." have points too: an end is one before a capital letter, or the last.
            let inner = term.explanation.match_indices(". ").count();
            assert_eq!(inner, 1, "{}: {}", term.name, term.explanation);
            assert!(term.explanation.ends_with('.'), "{}", term.name);
            assert_eq!(Term::named(term.name), Some(term), "the name is used once");
        }
        for heading in Heading::ALL {
            assert!(TERMS.iter().any(|term| term.heading == heading), "{heading:?}");
        }
    }
}
