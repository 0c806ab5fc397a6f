//! Whose address counts where a proxy stands in front: what a trusted proxy says of it, and nobody else.

use std::{net::IpAddr, str::FromStr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::rule::{list::Networks, understood};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies whose word on a client's address is taken.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Networks);

impl FromStr for Proxies {
    type Err = String;

    /// Reads networks in CIDR notation and single addresses, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let entries: Vec<&str> = text.split(',').map(str::trim).collect();
        if let Some(all) = entries.iter().find(|entry| entry.ends_with("/0")) {
            return Err(format!("{all} is every address, and then each client could choose its own"));
        }
        Networks::parse(entries.iter().copied()).map(Self).map_err(|bad| {
            let bad = entries.get(bad).copied().unwrap_or_default();
            format!("`{bad}` is neither an address nor a network; say for example 127.0.0.1,10.0.0.0/8,fd00::/8")
        })
    }
}

impl Proxies {
    /// The client's address. A header counts where the connection comes from a trusted proxy: then the client is the
    /// last address that is not a trusted proxy itself, because each proxy adds the one that it saw at the end.
    ///
    /// What cannot be read ends the search at the proxy that handed it on: its clients then share that proxy's budget,
    /// and none of them chooses an address. So do those whose two headers disagree: one of them is not the proxy's.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.0.contains(peer) {
            return peer;
        }
        let x_forwarded_for = lines(headers, &X_FORWARDED_FOR).map(|text| text.as_deref().map_or_else(nothing, listed));
        let forwarded = lines(headers, &header::FORWARDED)
            .map(|text| text.as_deref().and_then(forwarded_for).unwrap_or_else(nothing));
        match (x_forwarded_for, forwarded) {
            (None, None) => peer,
            (Some(one), None) | (None, Some(one)) => self.last_of_others(peer, &one),
            (Some(one), Some(other)) => {
                let (one, other) = (self.last_of_others(peer, &one), self.last_of_others(peer, &other));
                if one == other { one } else { peer }
            }
        }
    }

    fn last_of_others(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut last = peer;
        for hop in hops.iter().rev() {
            let Some(address) = *hop else { break };
            last = address;
            if !self.0.contains(address) {
                break;
            }
        }
        last
    }
}

/// What is known of the way where a header cannot be read.
fn nothing() -> Vec<Option<IpAddr>> {
    vec![None]
}

/// All lines of a header as one (RFC 9110, section 5.3); `None` inside where one of them is no text.
fn lines(headers: &HeaderMap, name: &HeaderName) -> Option<Option<String>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    Some(lines.map(|line| line.to_str().ok()).collect::<Option<Vec<_>>>().map(|lines| lines.join(",")))
}

fn listed(text: &str) -> Vec<Option<IpAddr>> {
    text.split(',').map(understood::address).collect()
}

/// The `for` of each element (RFC 7239, section 4); `None` where the header is not made as that says. Names that hide an
/// address (`unknown`, `_proxy1`) are no addresses.
fn forwarded_for(text: &str) -> Option<Vec<Option<IpAddr>>> {
    let mut rest = text;
    let mut hops = Vec::new();
    loop {
        let mut found: Option<String> = None;
        loop {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after)?;
            let name = name.trim_matches([' ', '\t']);
            if !is_token(name) {
                return None;
            }
            if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
                return None;
            }
            rest = after.trim_start_matches([' ', '\t']);
            match rest.strip_prefix(';') {
                Some(more) => rest = more,
                None => break,
            }
        }
        hops.push(found.as_deref().and_then(understood::address));
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest.is_empty().then_some(hops),
        }
    }
}

/// A token or a quoted string (RFC 9110, section 5.6), and what stands after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        let (token, after) = text.split_at_checked(end)?;
        // Some proxies write an address with a port, or one in brackets, without the quotes that it needs.
        let is_value = |b: u8| is_token_byte(b) || b":[]".contains(&b);
        return (!token.is_empty() && token.bytes().all(is_value)).then(|| (token.to_owned(), after));
    };
    let mut read = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((read, quoted.get(at + 1..)?)),
            '\\' => read.push(characters.next()?.1),
            other => read.push(other),
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(headers: &[(&'static str, &str)]) -> String {
        let proxies: Proxies = "127.0.0.1, 10.0.0.0/8,fd00::/8".parse().unwrap();
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client("::ffff:127.0.0.1".parse().unwrap(), &all).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_clients() {
        for (sent, found) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:51234", "203.0.113.7"),
            ("[2001:db8::7]:51234", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
            ("198.51.100.1,203.0.113.7 ,fd00::1,10.1.2.3", "203.0.113.7"),
            ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
            ("198.51.100.1, unknown, 10.1.2.3", "10.1.2.3"),
            ("198.51.100.1, ", "127.0.0.1"),
            ("198.51.100.1, evil.example", "127.0.0.1"),
            ("", "127.0.0.1"),
            ("203.0.113.7; DROP", "127.0.0.1"),
            ("203.0.113.7:99999", "127.0.0.1"),
            ("\u{e9}", "127.0.0.1"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", sent)]), found, "{sent}");
        }
        assert_eq!(client(&[]), "127.0.0.1");
        assert_eq!(client(&[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for (sent, found) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"203.0.113.7:4711\";proto=https;by=10.0.0.1", "203.0.113.7"),
            ("proto=https; for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=198.51.100.1, for=203.0.113.7;host=a.example, for=10.1.2.3", "203.0.113.7"),
            ("for=203.0.113.7:4711", "203.0.113.7"),
            ("for=\"203\\.0.113.7\"", "203.0.113.7"),
            ("for=198.51.100.1, for=unknown", "127.0.0.1"),
            ("for=198.51.100.1, for=_hidden, for=10.1.2.3", "10.1.2.3"),
            ("for=198.51.100.1, proto=https", "127.0.0.1"),
            ("for=198.51.100.1;for=203.0.113.7", "127.0.0.1"),
            // Somebody opens a quote that takes in what the proxy adds.
            ("for=198.51.100.1;x=\", for=203.0.113.7", "127.0.0.1"),
            ("for=198.51.100.1;x=\", for=\"[2001:db8::7]\"", "127.0.0.1"),
            ("for=198.51.100.1 x", "127.0.0.1"),
            ("for=", "127.0.0.1"),
            ("for", "127.0.0.1"),
            ("", "127.0.0.1"),
            (",for=203.0.113.7", "127.0.0.1"),
        ] {
            assert_eq!(client(&[("forwarded", sent)]), found, "{sent}");
        }
    }

    #[test]
    fn two_headers_count_where_they_agree() {
        let agreeing = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")];
        assert_eq!(client(&agreeing), "203.0.113.7");
        for other in ["for=198.51.100.1", "nonsense", "for=unknown"] {
            assert_eq!(client(&[("x-forwarded-for", "203.0.113.7"), ("forwarded", other)]), "127.0.0.1", "{other}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("203.0.113.7"));
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        for proxies in [Proxies::default(), "127.0.0.1,::1".parse().unwrap()] {
            assert_eq!(proxies.client(peer, &headers), peer);
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0.0/8,", "10.0.0.0/8 fd00::/8", "0.0.0.0/0", "::/0"] {
            assert!(bad.parse::<Proxies>().is_err(), "{bad}");
        }
    }
}
