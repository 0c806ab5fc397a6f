//! What hyper refuses before a handler is asked: it answers with a head alone, and here that gets the contract's body.

use serde_json::json;

use crate::http::COMMON_HEADERS;

/// In a head of hyper's. Every answer of ours with such a status has a body.
const NO_BODY: &str = "content-length: 0\r\n";

/// The status of a head that hyper has written by itself, as an answer to a request that it could not read.
pub(super) fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    let status = std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()?;
    let is_hypers =
        matches!(status, 400 | 414 | 431) && std::str::from_utf8(head).is_ok_and(|text| text.contains(NO_BODY));
    is_hypers.then_some(status)
}

/// The same head with the contract's error body (section 4).
pub(super) fn in_words(head: &[u8], head_bytes: usize) -> Vec<u8> {
    let (code, description) = match status(head) {
        Some(431) => (
            "request_too_large",
            format!("The header is too long. Send at most {} KB in at most 100 header fields.", head_bytes / 1024),
        ),
        Some(414) => ("request_too_large", "The address is too long. Send what it holds in the body.".to_owned()),
        _ => ("invalid_request", "This is not a request of HTTP/1.1. Check its first line and its headers.".to_owned()),
    };
    let body = json!({ "error": code, "errorCode": code, "errorDescription": description }).to_string();
    let common: String = COMMON_HEADERS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let about = format!("content-type: application/json\r\ncontent-length: {}\r\n{common}", body.len());
    let text = String::from_utf8_lossy(head);
    match text.split_once(NO_BODY) {
        Some((before, after)) => format!("{before}{about}{after}{body}").into_bytes(),
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_of_hypers_gets_a_body() {
        let head = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(status(head), Some(431));
        let said = String::from_utf8(in_words(head, 65_536)).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{said}");
        assert!(head.contains("connection: close") && body.contains("64 KB"), "{said}");
        let ours = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 97\r\n\r\n{}";
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"[..],
            ours,
            b"HTTP/1.1 100 Continue\r\n",
            b"{\"a\":1}",
            b"",
            b"HTTP/1.1",
        ] {
            assert_eq!(status(other), None);
        }
    }
}
