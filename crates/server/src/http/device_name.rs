//! What a browser's device is called in its owner's list: its family and its system, as it names them itself. For her own eyes,
//! so a browser that lies deceives its owner alone.

use compact_str::{CompactString, format_compact};
use hyper::header::{self, HeaderMap};

/// Families, each before those that name it too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

pub(super) fn of(headers: &HeaderMap) -> CompactString {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format_compact!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        (None, Some(system)) => format_compact!("a browser on {system}"),
        (None, None) => "a browser".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn browsers_are_called_as_their_owners_know_them() {
        let check = |agent: &'static str, expected: &str| {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))]);
            assert_eq!(of(&headers), expected, "{agent}");
        };
        check("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux");
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        check(chrome, "Chrome on Windows");
        check("Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 Chrome/1 Safari/1 Edg/142.0", "Edge on macOS");
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Mobile Safari/604.1",
            "Safari on iPhone",
        );
        check("Mozilla/5.0 (Linux; Android 15) Chrome/1 Mobile Safari/1", "Chrome on Android");
        check("curl/8.5.0", "a browser");
        check("<script>alert(1)</script>", "a browser");
        assert_eq!(of(&HeaderMap::new()), "a browser");
    }
}
