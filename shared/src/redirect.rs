//! Where a hosted page may send a browser when it is done.

use url::Url;

use crate::error::Error;

/// Checks a `redirectUrl` of track: an absolute http or https URL, as one parser and a careful reader both
/// understand it. 400 on anything else (security.md, T15).
pub fn check(text: &str) -> Result<String, Error> {
    let wrong = |why: &str| Error::Invalid(format!("redirectUrl {why}. Send an absolute http or https URL."));
    if text.len() > 2048 {
        return Err(wrong("is longer than 2048 bytes"));
    }
    // Parsers disagree about these; a browser drops or turns some of them.
    if text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') {
        return Err(wrong("holds a space, a backslash or a control character"));
    }
    let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
    let has_authority = ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && !text[scheme.len()..].starts_with('/')
    });
    if !has_authority || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not an http or https URL with a host"));
    }
    // An empty one is dropped by the parser, so the text is looked at.
    let authority = text.split_once("//").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if authority.contains('@') {
        return Err(wrong("holds a user name"));
    }
    Ok(url.into())
}

/// The URL with `token` added to its query.
pub fn with_token(redirect_url: &str, token: &str) -> Result<String, Error> {
    let mut url = Url::parse(redirect_url).map_err(Error::internal)?;
    url.query_pairs_mut().append_pair("token", token);
    Ok(url.into())
}

/// Scheme, host and port of a URL that [`check`] let pass; empty for any other.
pub fn origin(redirect_url: &str) -> String {
    Url::parse(redirect_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_pass() {
        for good in [
            "https://app.example.com/done",
            "http://localhost:3000",
            "http://127.0.0.1:8080/back?a=1#part",
            "HTTPS://app.example.com/",
            "https://example.com/profile?name=a@b",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/done",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "http:\\\\evil.example",
            "https://user@evil.example",
            "https://ok.example:secret@evil.example",
            "https://",
            "https:// evil.example",
            " https://evil.example",
            "https://evil.example\r\nX: y",
            "https://evil.example\t",
            "ftp://evil.example",
            "file:///etc/passwd",
            "http://[::1",
            "https://exa mple.com",
            "https://\u{0}evil",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_token_joins_the_query() {
        assert_eq!(with_token("https://a.example/b?c=d#e", "t").unwrap(), "https://a.example/b?c=d&token=t#e");
    }
}
