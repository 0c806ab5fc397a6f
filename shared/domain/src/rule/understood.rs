//! What a backend sends is understood or refused. If a value were skipped, a rule that asks about it would not match,
//! and a rule that does not match lets the action through (security.md, T40).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

use super::catalogue::Type;
use crate::{
    error::Error,
    rule::{DataPoint, ModelType},
};

/// The address of a client as backends have it: bare, in brackets (RFC 3986, section 3.2.2), with the port that it came
/// from (RFC 7239, section 6), or with the zone in which a link-local address was seen (RFC 4007, section 11). The port
/// and the zone are no part of the address. An IPv4 address in its IPv6 form (RFC 4291, section 2.5.5.2) is the IPv4
/// address. `None` for everything else, also for a list of addresses, because only the backend knows which one is the
/// client's.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let read = if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let is_right = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        IpAddr::V6(zoned(inside).filter(|_| is_right)?)
    } else if let Some(v6) = zoned(text) {
        IpAddr::V6(v6)
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        let v4: Ipv4Addr = host.parse().ok()?;
        IpAddr::V4(port.is_none_or(is_port).then_some(v4)?)
    };
    Some(read.to_canonical())
}

fn zoned(text: &str) -> Option<Ipv6Addr> {
    let Some((address, zone)) = text.split_once('%') else { return text.parse().ok() };
    // RFC 6874, section 2: `%25` and unreserved characters; people write the bare `%`.
    let is_zone = !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    address.parse().ok().filter(|_| is_zone)
}

/// A number, or a name that a proxy hides it behind (`obfport` of RFC 7239).
fn is_port(text: &str) -> bool {
    let hidden = text.strip_prefix('_').filter(|name| !name.is_empty());
    match hidden {
        Some(name) => name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
        None => text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

/// The address that a backend sent, in the one form in which it is asked about, kept and shown.
pub fn sent_address(text: &str) -> Result<IpAddr, Error> {
    address(text).ok_or_else(|| {
        Error::invalid(
            "ipAddress: this is no address. Send that of the client alone, such as 203.0.113.7 or 2001:db8::1; with its \
             port it is 203.0.113.7:443 or [2001:db8::1]:443. Leave it out where it is not known.",
        )
    })
}

/// Refuses data whose type is not that of its data point. Null means not known. Data that nobody declared is let pass,
/// because no rule can ask about it.
pub fn check_custom(points: &[DataPoint], custom: Option<&Map<String, Value>>, model: ModelType) -> Result<(), Error> {
    let Some(custom) = custom else { return Ok(()) };
    for point in points.iter().filter(|point| point.model_type == model) {
        let of = Type::from(point.data_type);
        if custom.get(&point.name).is_some_and(|value| !value.is_null() && !of.has(value)) {
            return Err(Error::Invalid(format!(
                "custom.{}: this data point is {}; send that, or null where it is not known.",
                point.name,
                of.name()
            )));
        }
    }
    Ok(())
}
