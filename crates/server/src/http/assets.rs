//! The page's files: in the form that the browser takes, once and for all where their names change with what is in them,
//! and else asked for again each time, which costs an answer without a body while they are the same.

use super::cookie::{self, CookieName};
use super::text;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use web::Asset;

/// A year, the most that RFC 9111's predecessor allowed and browsers take for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// The first part of paths that the page finds its way in by itself: it is the answer to all of them.
const OF_THE_PAGE: [&str; 6] = ["", "invite", "r", "rooms", "search", "settings"];

/// What the page is answered with at this path; `None`: nothing of it is there.
pub(super) fn answer(path: &str, asked: &HeaderMap, name: &CookieName) -> Option<Response<Full<Bytes>>> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    if !OF_THE_PAGE.contains(&first) {
        return web::find(path).map(|asset| serve(asset, asked));
    }
    page(asked, name)
}

/// Whoever opens an address of nothing is told so by the page, in her language and with a way back; `None`: no page is
/// asked for, or there is none.
pub(super) fn nothing(asked: &HeaderMap, name: &CookieName) -> Option<Response<Full<Bytes>>> {
    let takes = |value: &HeaderValue| value.to_str().is_ok_and(|types| types.contains("text/html"));
    if !asked.get_all(header::ACCEPT).iter().any(takes) {
        return None;
    }
    // That it is the same nothing as before is no answer.
    let mut asked = asked.clone();
    asked.remove(header::IF_NONE_MATCH);
    let mut response = page(&asked, name)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Some(response)
}

fn page(asked: &HeaderMap, name: &CookieName) -> Option<Response<Full<Bytes>>> {
    let mut response = serve(web::index()?, asked);
    response.headers_mut().append(header::VARY, HeaderValue::from_static("cookie"));
    // Whoever seems to be logged in gets the rest of the page beside its first part, others when they are.
    if cookie::is_shown(asked, name) {
        for path in web::INSIDE {
            if let Ok(link) = HeaderValue::try_from(link(path)) {
                response.headers_mut().append(header::LINK, link);
            }
        }
    }
    Some(response)
}

/// RFC 8288, with the relations that HTML has for it (sections 4.6.7.14 and 4.6.7.18 of the HTML standard).
fn link(path: &str) -> String {
    match path.ends_with(".css") {
        true => format!("<{path}>; rel=preload; as=style; crossorigin"),
        false => format!("<{path}>; rel=modulepreload"),
    }
}

fn serve(asset: &Asset, asked: &HeaderMap) -> Response<Full<Bytes>> {
    let accepted = accepted_encodings(asked);
    let forms = [(asset.brotli, "br", accepted.brotli), (asset.gzip, "gzip", accepted.gzip)];
    let chosen = forms.into_iter().find_map(|(form, name, is_accepted)| Some((form.filter(|_| is_accepted)?, name)));
    let (content, encoding) = match chosen {
        Some((content, name)) => (content, Some(name)),
        None if accepted.plain => (asset.plain, None),
        None => {
            return text(StatusCode::NOT_ACCEPTABLE, "This is there as it is, or compressed with br or gzip, only.");
        }
    };
    let etag = match encoding {
        Some(name) => format!("\"{}-{name}\"", asset.etag),
        None => format!("\"{}\"", asset.etag),
    };
    let is_known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag);
    let mut response = Response::new(if is_known { Full::default() } else { Full::new(Bytes::from_static(content)) });
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if asset.immutable { FOR_EVER } else { ASK_EACH_TIME });
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Accepted {
    brotli: bool,
    gzip: bool,
    plain: bool,
}

/// RFC 9110 section 12.5.3. Which of those that are taken is better the server decides: the smaller one.
fn accepted_encodings(asked: &HeaderMap) -> Accepted {
    let (mut brotli, mut gzip, mut plain, mut any) = (None, None, None, None);
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for entry in lists.flat_map(|list| list.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let taken = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        let place = match name.to_ascii_lowercase().as_str() {
            "br" => &mut brotli,
            "gzip" | "x-gzip" => &mut gzip,
            "identity" => &mut plain,
            "*" => &mut any,
            _ => continue,
        };
        *place = Some(taken);
    }
    Accepted {
        brotli: brotli.or(any).unwrap_or(false),
        gzip: gzip.or(any).unwrap_or(false),
        plain: plain.or(any.filter(|taken| !taken)).unwrap_or(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Asset = Asset {
        path: "/assets/page-0123.js",
        content_type: "text/javascript; charset=utf-8",
        etag: "0123",
        immutable: true,
        plain: b"plain",
        brotli: Some(b"br"),
        gzip: Some(b"gz"),
    };

    fn asked(headers: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn each_gets_the_smallest_form_that_it_takes() {
        let check = |accept: Option<&'static str>, expected: Option<&str>, etag: &str| {
            let headers = accept.map_or_else(HeaderMap::new, |accept| asked(&[(header::ACCEPT_ENCODING, accept)]));
            let answer = serve(&SCRIPT, &headers);
            let encoding = answer.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(encoding, expected, "{accept:?}");
            assert_eq!(answer.headers()[header::ETAG], etag, "{accept:?}");
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
            assert_eq!(answer.headers()[header::CACHE_CONTROL], FOR_EVER);
        };
        check(None, None, "\"0123\"");
        check(Some(""), None, "\"0123\"");
        check(Some("gzip, deflate, br, zstd"), Some("br"), "\"0123-br\"");
        check(Some("GZIP"), Some("gzip"), "\"0123-gzip\"");
        check(Some("br;q=0, gzip;q=0.5"), Some("gzip"), "\"0123-gzip\"");
        check(Some("*"), Some("br"), "\"0123-br\"");
        check(Some("*;q=0, identity"), None, "\"0123\"");
        check(Some("deflate"), None, "\"0123\"");
        let nothing = serve(&SCRIPT, &asked(&[(header::ACCEPT_ENCODING, "identity;q=0")]));
        assert_eq!(nothing.status(), StatusCode::NOT_ACCEPTABLE);
    }

    #[test]
    fn who_has_it_already_is_told_so() {
        let check = |known: &'static str, expected: StatusCode| {
            let headers = asked(&[(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, known)]);
            let answer = serve(&SCRIPT, &headers);
            assert_eq!(answer.status(), expected, "{known}");
            assert!(answer.headers().contains_key(header::ETAG));
        };
        check("\"0123-br\"", StatusCode::NOT_MODIFIED);
        check("\"x\", W/\"0123-br\"", StatusCode::NOT_MODIFIED);
        check("*", StatusCode::NOT_MODIFIED);
        // The same file in another form.
        check("\"0123-gzip\"", StatusCode::OK);
        check("\"0124-br\"", StatusCode::OK);
    }

    #[test]
    fn the_page_answers_at_its_own_paths_alone() {
        for path in
            ["/", "/r/tea", "/r/tea.js/0190", "/r/@bob", "/invite/tea/inv-0123", "/settings", "/search", "/rooms"]
        {
            let answered = answer(path, &HeaderMap::new(), &CookieName::new("7", false));
            assert_eq!(answered.is_some(), web::IS_BUILT, "{path}");
            let Some(answered) = answered else { continue };
            assert_eq!(answered.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(answered.headers()[header::CACHE_CONTROL], ASK_EACH_TIME);
        }
        for path in
            ["/../etc/passwd", "/assets/", "/assets/../index.html", "/x", "//", "*", "", "/.vite", "/src/main.ts"]
        {
            assert!(answer(path, &HeaderMap::new(), &CookieName::new("7", false)).is_none() || path == "//", "{path}");
        }
    }

    #[test]
    fn who_opens_an_address_of_nothing_is_told_so_by_the_page() {
        let opened =
            asked(&[(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8"), (header::IF_NONE_MATCH, "*")]);
        let answered = nothing(&opened, &CookieName::new("7", false));
        assert_eq!(answered.as_ref().map(Response::status), web::IS_BUILT.then_some(StatusCode::NOT_FOUND));
        if let Some(answered) = answered {
            assert_eq!(answered.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        }
        assert!(nothing(&asked(&[(header::ACCEPT, "*/*")]), &CookieName::new("7", false)).is_none());
        assert!(nothing(&HeaderMap::new(), &CookieName::new("7", false)).is_none());
    }

    #[test]
    fn who_shows_a_cookie_is_told_what_the_inside_needs() {
        let links = |cookie: &'static str, path: &str, is_https: bool| -> Option<usize> {
            let answered = answer(path, &asked(&[(header::COOKIE, cookie)]), &CookieName::new("7", is_https))?;
            Some(answered.headers().get_all(header::LINK).iter().count())
        };
        let all = web::IS_BUILT.then_some(web::INSIDE.len());
        let none = web::IS_BUILT.then_some(0);
        assert_eq!(links("parlor-7=abc", "/r/tea", false), all);
        assert_eq!(links("x=y; __Host-parlor-7=abc", "/", true), all);
        if web::IS_BUILT {
            let all = answer(
                "/",
                &asked(&[(header::COOKIE, "parlor-7=a"), (header::IF_NONE_MATCH, "*")]),
                &CookieName::new("7", false),
            )
            .unwrap();
            assert_eq!(all.status(), StatusCode::NOT_MODIFIED);
            assert!(all.headers().contains_key(header::LINK));
            assert!(all.headers().get_all(header::VARY).iter().any(|value| value == "cookie"));
        }
        // The other one's name, no cookie of ours, and a file that is not the page.
        assert_eq!(links("parlor-7=abc", "/", true), none);
        assert_eq!(links("x=parlor-7", "/", false), none);
        assert_eq!(links("parlor-7=abc", "/icon.svg", false), none);
        assert_eq!(link("/assets/a.js"), "</assets/a.js>; rel=modulepreload");
        assert_eq!(link("/assets/a.css"), "</assets/a.css>; rel=preload; as=style; crossorigin");
    }
}
