//! Addresses of the web that every parser reads alike (security.md, T15).
//!
//! A browser, a customer's framework and this server must agree on where an address leads. They do on the plain
//! part of RFC 3986; whatever is written in another way is refused, and not repaired.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest address that is taken.
pub const MAX_BYTES: usize = 2048;

/// Characters of RFC 3986, section 2, beside letters and digits.
const PUNCTUATION: &[u8] = b"-._~:/?#[]@!$&'()*+,;=%";

/// Reads an absolute http or https address, or says in words that follow its name what is wrong with it.
pub fn read(text: &str) -> Result<Url, &'static str> {
    if text.len() > MAX_BYTES {
        return Err("is longer than 2048 bytes");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || PUNCTUATION.contains(&b)) {
        return Err("holds a space, a backslash or another character that has to be percent-encoded (RFC 3986)");
    }
    let (scheme, rest) = text.split_once("://").ok_or("is not an absolute http or https URL")?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("is not an http or https URL");
    }
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("holds a user name");
    }
    let path = behind.split(['?', '#']).next().unwrap_or_default();
    check_path(path)?;
    if behind.contains(['[', ']']) || behind.matches('#').count() > 1 || !is_percent_encoded(behind) {
        return Err("is not percent-encoded as RFC 3986 asks");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    check_authority(authority, &url)?;
    Ok(url)
}

/// Reads a host with or without a port, such as `mfa.example.com`, as the address of what is there: by https, and on the
/// machine itself by http. Says in words that follow its name what is wrong with it.
pub fn read_host(text: &str) -> Result<Url, &'static str> {
    let is_plain = !text.is_empty() && !text.contains(['/', '?', '#', '@']);
    let url = is_plain.then(|| read(&format!("https://{text}"))).ok_or("is not a host, such as mfa.example.com")??;
    if is_loopback(&url) { read(&format!("http://{text}")) } else { Ok(url) }
}

/// Checks that the host is written as every parser understands it: no number in disguise, no escape, no empty part, no
/// port that is none.
fn check_authority(authority: &str, url: &Url) -> Result<(), &'static str> {
    let end_of_host =
        if authority.starts_with('[') { authority.find(']').map(|at| at + 1) } else { authority.find(':') };
    let (host, port) = authority.split_at(end_of_host.unwrap_or(authority.len()));
    if url.host_str().is_none_or(|read| read.is_empty() || !read.eq_ignore_ascii_case(host)) {
        return Err("has a host that is not written plainly");
    }
    if matches!(url.host(), Some(Host::Domain(name)) if name.len() > 253 || !name.split('.').all(is_label)) {
        return Err("has a host that is not written plainly");
    }
    let digits = port.strip_prefix(':');
    if digits.is_some_and(|digits| digits.parse::<u16>().is_err() || digits.starts_with(['0', '+'])) {
        return Err("has a port that is not written plainly");
    }
    Ok(())
}

/// A part of a name that can be in the DNS: at most 63 characters (RFC 1035, section 2.3.4), and no dash at either end (RFC
/// 1123, section 2.1). Some have an underscore.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Checks that the path has no `..` or `.`, however it is written: servers disagree about where that leads.
fn check_path(path: &str) -> Result<(), &'static str> {
    let lower = path.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%25", "%00"].iter().any(|encoded| lower.contains(encoded)) {
        return Err("holds an encoded dot, slash, backslash, percent sign or NUL in its path");
    }
    // `..;a` is a step up to some servers.
    if path.split('/').any(|segment| matches!(segment.split(';').next(), Some("." | ".."))) {
        return Err("holds a dot segment in its path");
    }
    Ok(())
}

fn is_percent_encoded(text: &str) -> bool {
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    text.match_indices('%').all(|(at, _)| is_hex(at + 1) && is_hex(at + 2))
}

/// Whether it leads to the machine that reads it (RFC 6761, section 6.3; RFC 1122, 3.2.1.3; RFC 4291, 2.5.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Whether some systems would take it for such an address.
pub fn is_nearly_loopback(url: &Url) -> bool {
    let is_near = |address: Ipv4Addr| address.is_loopback() || address.is_unspecified();
    match url.host() {
        Some(Host::Ipv4(address)) => is_near(address),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.is_unspecified() || address.to_ipv4().is_some_and(is_near)
        }
        _ => is_loopback(url),
    }
}

/// Scheme, host and port, the port where it is not the scheme's own.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
