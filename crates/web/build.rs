//! Builds the page with Vite and makes a table of its files. Where the page comes from, the first that there is:
//!
//! 1. the folder that PARLOR_WEB_DIST names;
//! 2. `web/dist`, if the hash recorded in it is that of the sources that lie here: packages of the source carry it, so that
//!    they build without Node (`cargo xtask page` makes it);
//! 3. npm and Vite, into the folder for what builds make: nothing but `node_modules` is written among the sources;
//! 4. nothing, which is a warning: the server then shows in its place how to join with other programs. An error if
//!    PARLOR_WEB is `required`.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What the page is made from, in `web/`.
const INPUTS: [&str; 9] = [
    "build",
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

/// Beside the built page: the hash of what it was built from.
const RECORD: &str = "inputs.sha256";

/// Where Vite tells which files a part of the page is made of.
const MANIFEST: &str = ".vite/manifest.json";

/// The part of the page that those see who are logged in.
const SHELL: &str = "src/ui/layout/Shell.svelte";

/// Smaller files are not worth a second form: they fit into one packet anyway.
const WORTH_COMPRESSING: usize = 512;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it"));
    println!("cargo:rerun-if-changed=build.rs");
    let page = match env::var_os("CARGO_FEATURE_PAGE") {
        Some(_) => find_or_build(&out),
        None => Ok(None),
    };
    let page = match page {
        Ok(page) => page,
        Err(why) if env::var_os("PARLOR_WEB").is_some_and(|value| value == "required") => {
            eprintln!("the page cannot be built: {why}");
            std::process::exit(1);
        }
        Err(why) => {
            println!("cargo:warning=the page is not part of this build: {why}");
            None
        }
    };
    let table = table(page.as_deref(), &out).expect("the page's files can be read and compressed");
    fs::write(out.join("assets.rs"), table).expect("the table can be written");
}

/// The folder with the built page.
fn find_or_build(out: &Path) -> Result<Option<PathBuf>, String> {
    println!("cargo:rerun-if-env-changed=PARLOR_WEB_DIST");
    println!("cargo:rerun-if-env-changed=PARLOR_WEB");
    if let Some(folder) = env::var_os("PARLOR_WEB_DIST") {
        let folder = PathBuf::from(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        return match ["index.html", MANIFEST].into_iter().find(|file| !folder.join(file).is_file()) {
            None => Ok(Some(folder)),
            Some(file) => Err(format!(
                "PARLOR_WEB_DIST is {}, where no {file} lies; build it with `npm run build` of this version, and copy hidden files, too",
                folder.display()
            )),
        };
    }
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names it"));
    let web = manifest.join("../../web");
    // cargo takes what is missing for changed at each build: so these two are looked for until they are there.
    let always = |input: &str| matches!(input, "index.html" | "package-lock.json");
    let dist = format!("dist/{RECORD}");
    for input in INPUTS.into_iter().chain([dist.as_str()]).filter(|input| always(input) || web.join(input).exists()) {
        println!("cargo:rerun-if-changed={}", web.join(input).display());
    }
    let hash = hash_of_inputs(&web).map_err(|error| format!("web/ cannot be read: {error}"))?;
    let stored = web.join("dist");
    if fs::read_to_string(stored.join(RECORD)).is_ok_and(|recorded| recorded.trim() == hash) {
        return Ok(Some(stored));
    }
    let built = out.join("page");
    if fs::read_to_string(built.join(RECORD)).is_ok_and(|recorded| recorded.trim() == hash) {
        return Ok(Some(built));
    }
    build(&web, &built)?;
    fs::write(built.join(RECORD), hash).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(Some(built))
}

fn build(web: &Path, built: &Path) -> Result<(), String> {
    let lock = fs::read(web.join("package-lock.json")).map_err(|error| format!("web/package-lock.json: {error}"))?;
    // The lock file that the packages were installed by (`cargo xtask test` writes it as well).
    let installed = web.join("node_modules").join(".parlor-lock");
    if fs::read(&installed).map_or(true, |recorded| recorded != lock) {
        run(web, "npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
        fs::write(&installed, lock).map_err(|error| format!("{}: {error}", installed.display()))?;
    }
    let folder = built.to_str().ok_or("the folder for what builds make has a name that is not UTF-8")?;
    run(web, "npm", &["run", "--silent", "build", "--", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"])
}

fn run(web: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let what = format!("{program} {}", arguments[..arguments.len().min(2)].join(" "));
    let output = match Command::new(program).args(arguments).current_dir(web).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("{program} is not here; install Node.js 20.19 or later with it, and build again"));
        }
        Err(error) => return Err(format!("{what}: {error}")),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(format!("{what} failed in web/: {}", lines[lines.len().saturating_sub(12)..].join(" / ")))
}

/// Of the names and contents of everything that the page is made from.
fn hash_of_inputs(web: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    for input in INPUTS {
        let path = web.join(input);
        let mut files = Vec::new();
        match path.is_dir() {
            true => files_below(&path, &mut files)?,
            false if path.is_file() => files.push(path),
            false => {}
        }
        files.sort();
        for file in files {
            let name = file.strip_prefix(web).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            let content = fs::read(&file)?;
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
    }
    Ok(hex(&hash.finalize()))
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files_below(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// The Rust source of the table, with the compressed forms beside it.
fn table(page: Option<&Path>, out: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    if let Some(page) = page {
        files_below(page, &mut files)?;
    }
    let forms = out.join("forms");
    fs::create_dir_all(&forms)?;
    let mut assets = Vec::new();
    for file in files {
        let name = file.strip_prefix(page.unwrap_or(&file)).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        // Sources of the scripts are for the browser's tools, and licences for those who look for them.
        if name == RECORD || name.ends_with(".map") || name.starts_with('.') {
            continue;
        }
        assets.push((format!("/{name}"), file));
    }
    assets.sort();
    let mut rows = String::new();
    for (number, (path, file)) in assets.iter().enumerate() {
        let content = fs::read(file)?;
        let kind = content_type(path);
        let form = |ending: &str, compressed: Vec<u8>| -> io::Result<String> {
            if compressed.len() >= content.len() {
                return Ok("None".to_owned());
            }
            let place = forms.join(format!("{number}.{ending}"));
            fs::write(&place, compressed)?;
            Ok(format!("Some(include_bytes!({:?}))", place.display().to_string()))
        };
        let worth = is_text(kind) && content.len() >= WORTH_COMPRESSING;
        let brotli = if worth { form("br", brotli(&content)?)? } else { "None".to_owned() };
        let gzip = if worth { form("gz", gzip(&content)?)? } else { "None".to_owned() };
        let plain = forms.join(format!("{number}.plain"));
        fs::write(&plain, &content)?;
        let etag = &hex(&Sha256::digest(&content))[..32];
        let immutable = path.starts_with("/assets/");
        writeln!(
            rows,
            "    Asset {{ path: {path:?}, content_type: {kind:?}, etag: {etag:?}, immutable: {immutable}, \
             plain: include_bytes!({:?}), brotli: {brotli}, gzip: {gzip} }},",
            plain.display().to_string()
        )
        .map_err(io::Error::other)?;
    }
    let inside = match page {
        Some(page) => inside(page)?,
        None => Vec::new(),
    };
    Ok(format!(
        "/// In the order of their paths.\npub static ASSETS: &[Asset] = &[\n{rows}];\n\n\
         /// What whoever is logged in needs besides the files that the page names: their paths.\n\
         pub static INSIDE: &[&str] = &{inside:?};\n"
    ))
}

/// The files of the shell, and of what it imports, that `index.html` does not name: from Vite's manifest
/// (https://vite.dev/guide/backend-integration).
fn inside(page: &Path) -> io::Result<Vec<String>> {
    let manifest = fs::read(page.join(MANIFEST))?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
    let index = fs::read_to_string(page.join("index.html"))?;
    let mut files = Vec::new();
    let mut keys = vec![SHELL.to_owned()];
    let mut at = 0;
    while let Some(key) = keys.get(at).cloned() {
        at += 1;
        let chunk = manifest
            .get(&key)
            .ok_or_else(|| io::Error::other(format!("Vite's manifest does not know {key}, which build.rs asks for")))?;
        let texts = |name: &str| chunk[name].as_array().into_iter().flatten().filter_map(|value| value.as_str());
        let own = chunk["file"].as_str().into_iter().chain(texts("css")).map(|file| format!("/{file}"));
        files.extend(own.filter(|file| !index.contains(file.as_str())));
        let more: Vec<String> =
            texts("imports").filter(|key| !keys.iter().any(|known| known == key)).map(str::to_owned).collect();
        keys.extend(more);
    }
    Ok(files)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || matches!(
            content_type,
            "image/svg+xml" | "application/json" | "application/manifest+json" | "application/wasm"
        )
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &params)?;
    Ok(compressed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::Write::write_all(&mut encoder, content)?;
    encoder.finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
