//! The page's files, as the build has put them into the program: built by Vite, compressed, each with its ETag.
//!
//! Knows no HTTP server: who serves them chooses the encoding and says the headers.

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// As in a URL, with the slash before it.
    pub path: &'static str,
    pub content_type: &'static str,
    /// Of the plain form, without quotes; another form needs one of its own (RFC 9110 section 8.8.3).
    pub etag: &'static str,
    /// Its name changes with what is in it.
    pub immutable: bool,
    pub plain: &'static [u8],
    /// `None`: it would not be smaller.
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Whether the page was built; `false`: there is no file at all.
pub const IS_BUILT: bool = !ASSETS.is_empty();

/// The page itself, which every path of its own is answered with.
pub fn index() -> Option<&'static Asset> {
    find("/index.html")
}

pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok().map(|place| &ASSETS[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_and_smaller_when_compressed() {
        for asset in ASSETS {
            let found = find(asset.path).expect("what is listed");
            assert_eq!(found.path, asset.path);
            for compressed in [asset.brotli, asset.gzip].into_iter().flatten() {
                assert!(compressed.len() < asset.plain.len(), "{}", asset.path);
            }
            assert!(asset.etag.len() == 32, "{}", asset.path);
        }
        assert!(find("/").is_none() && find("/no/such/file").is_none());
        assert_eq!(IS_BUILT, index().is_some());
    }

    #[test]
    fn what_is_needed_inside_is_there_and_not_named_by_the_page() {
        let Some(index) = index() else { return };
        let page = std::str::from_utf8(index.plain).expect("the page is text");
        assert!(INSIDE.iter().any(|path| path.ends_with(".js")), "{INSIDE:?}");
        for path in INSIDE {
            assert!(find(path).is_some_and(|asset| asset.immutable), "{path}");
            assert!(!page.contains(path), "{path}");
        }
    }

    #[test]
    fn what_is_immutable_has_its_hash_in_its_name_and_the_page_names_it() {
        let Some(index) = index() else { return };
        assert!(!index.immutable);
        let page = std::str::from_utf8(index.plain).expect("the page is text");
        let named = ASSETS.iter().filter(|asset| asset.immutable && page.contains(asset.path)).count();
        assert!(named > 0, "the page names no script or style of its own");
        assert!(!page.contains("/src/"), "the page names a source that is not served");
    }
}
