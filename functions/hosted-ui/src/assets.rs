//! What the pages load: one stylesheet, and scripts that they can do without. No build step: files as they are in the
//! repository, htmx among them (`assets/vendor`, checked against its package by the tests).

use std::{
    io::Write as _,
    sync::{LazyLock, OnceLock},
};

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use countersign_core::{error::Error, id::digest};
use flate2::{Compression, write::GzEncoder};

/// A file under a name that changes with it, so that browsers may keep it for ever.
pub(crate) struct Asset {
    path: String,
    kind: &'static str,
    plain: Vec<u8>,
    /// Smaller by three quarters, and made once.
    gzipped: OnceLock<Option<Vec<u8>>>,
}

impl Asset {
    fn new(name: &str, kind: &'static str, text: &str) -> Self {
        let plain = text.as_bytes().to_vec();
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let path = format!("/assets/{stem}-{}.{extension}", &digest(&[&plain])[..12]);
        Self { path, kind, plain, gzipped: OnceLock::new() }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("hosted.css", "text/css; charset=utf-8", include_str!("../assets/hosted.css")));
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("hosted.js", "text/javascript; charset=utf-8", include_str!("../assets/hosted.js")));
pub(crate) static HTMX: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("htmx.js", "text/javascript; charset=utf-8", include_str!("../assets/vendor/htmx.min.js"))
});

/// Get a file of the pages; 404 for a name that no page of this version has.
#[utoipa::path(get, path = "/assets/{name}", tag = "Hosted pages", operation_id = "getAsset",
    params(("name" = String, Path, description = "The name of the file, which changes with it.")),
    responses(
        (status = 200, description = "The file.",
            content((String = "text/css; charset=utf-8"), (String = "text/javascript; charset=utf-8")))))]
pub(crate) async fn get(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    let known = [&STYLE, &SCRIPT, &HTMX].into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&name));
    let asset = known.ok_or_else(|| Error::NotFound("There is no such file. Reload the page that wants it.".into()))?;
    let accepts = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let wants_gzip =
        accepts.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
    let gzipped = wants_gzip.then(|| asset.gzipped.get_or_init(|| gzip(&asset.plain)).as_ref()).flatten();
    let mut response = gzipped.unwrap_or(&asset.plain).clone().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzipped.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
