//! The server counts mentions, and clients mark them: each by code of its own, as neither may see the other (ARCHITECTURE.md).

/// Of these any five, one behind another.
const PIECES: [&str; 9] = ["alice", "Alice", "`", "``", " ", "@", "://", "-", "é"];

#[test]
fn server_and_clients_say_of_each_text_the_same() {
    let mut named = 0;
    for number in 0..PIECES.len().pow(5) {
        let text: String = (0..5).map(|place| PIECES[number / PIECES.len().pow(place) % PIECES.len()]).collect();
        let counted = chat::unread::mentions(&text, "alice");
        assert_eq!(counted, client_core::conversations::mentions(&text, "alice"), "{text:?}");
        named += u32::from(counted);
    }
    assert!(named > 1_000, "only {named} texts name her");
}
