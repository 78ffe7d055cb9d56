//! What strangers send, made harmless for a terminal: nothing that moves the cursor, changes its state, hides text or
//! turns its direction gets through. Also takes away the formatting codes of IRC (ircdocs "Formatting").

use std::borrow::Cow;

/// Text for a terminal or a log, on one line. Formatting codes go; other control characters are shown as their picture
/// (`␛` for ESC); what has no picture becomes U+FFFD.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| is_harmful(c)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // Bold, reset, monospace, reverse, italics, strikethrough, underline.
            '\u{2}' | '\u{f}' | '\u{11}' | '\u{16}' | '\u{1d}' | '\u{1e}' | '\u{1f}' => {}
            // Colours: up to two digits, a comma and two more; as hexadecimal six.
            '\u{3}' => skip_colours(&mut rest, 2, |c| c.is_ascii_digit()),
            '\u{4}' => skip_colours(&mut rest, 6, |c| c.is_ascii_hexdigit()),
            '\t' => clean.push(' '),
            '\u{7f}' => clean.push('␡'),
            '\0'..='\u{1f}' => clean.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            c if is_harmful(c) => clean.push('\u{fffd}'),
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// Text of JSON, whose C0 controls are escaped already: the others too. They can stand only inside of strings.
pub fn escaped_json(text: String) -> String {
    if !text.contains(|c: char| is_harmful(c)) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether a character may stand on the screen as it is.
pub fn is_printable(c: char) -> bool {
    !is_harmful(c)
}

fn is_harmful(c: char) -> bool {
    match c {
        // C0, DEL, C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        // Directions: marks, embeddings and overrides, isolates (UAX 9).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separators; shaping switches; interlinear marks; the byte order mark.
        '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}' => true,
        // Tag characters: invisible text.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

fn skip_colours(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, most: usize, is_digit: impl Fn(char) -> bool) {
    let skip = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        (0..most).take_while(|_| rest.next_if(|c| is_digit(*c)).is_some()).count()
    };
    if skip(rest) == 0 {
        return;
    }
    // A comma without a number behind it is text.
    let mut ahead = rest.clone();
    if ahead.next_if_eq(&',').is_some() && skip(&mut ahead) > 0 {
        *rest = ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn harmless_text_stays() {
        for text in ["", "hello", "grüße 日本語 👩‍👩‍👧", "e\u{301}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn harmful_text_is_disarmed() {
        let check = |text: &str, clean: &str| assert_eq!(printable(text), clean, "{text:?}");
        check("\u{1b}[2J\u{7}", "␛[2J␇");
        check("a\r\nb\tc\0", "a␍␊b c␀");
        check("\u{9b}31m\u{85}", "\u{fffd}31m\u{fffd}");
        check("user\u{202e}gpj.exe", "user\u{fffd}gpj.exe");
        check("\u{2}bold\u{2} \u{1d}it\u{f}", "bold it");
        check("\u{3}4,12red\u{3} \u{3}04green \u{3},5 \u{3}1,x", "red green ,5 ,x");
        check("\u{4}ff0000,00ff00x\u{4}y", "xy");
        check("\u{7f}\u{feff}\u{e0041}", "␡\u{fffd}\u{fffd}");
    }

    #[test]
    fn no_control_character_of_unicode_is_left() {
        for c in '\0'..=char::MAX {
            let clean = printable(c.encode_utf8(&mut [0; 4])).into_owned();
            assert!(!clean.contains(char::is_control), "{c:?}");
        }
    }

    #[test]
    fn json_is_escaped_and_stays_the_same_value() {
        let value = "a\u{1b}\u{9b}\u{202e}\u{e0041}\"";
        let text = escaped_json(serde_json::to_string(value).unwrap());
        assert_eq!(text, "\"a\\u001b\\u009b\\u202e\\udb40\\udc41\\\"\"");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in any::<String>(), codes in proptest::collection::vec(0u32..0x300, 0..40)) {
            let text: String = text.chars().chain(codes.into_iter().filter_map(char::from_u32)).collect();
            prop_assert!(!printable(&text).contains(|c: char| is_harmful(c)));
            let json = escaped_json(serde_json::to_string(&text).unwrap());
            prop_assert!(!json.contains(|c: char| is_harmful(c)));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
