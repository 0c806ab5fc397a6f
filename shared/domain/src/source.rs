//! Where questions come from that anybody may begin: each source has a budget, so that none writes without end.

use std::net::{IpAddr, Ipv6Addr};

use crate::{clock::Timestamp, id::ActionId};

/// Questions that one source begins in a window.
pub const PER_SOURCE: u64 = 300;
/// Links for pairing that the page of one action makes in a window: a person who reloads it, and no more.
pub const LINKS: u64 = 30;
/// Questions that strangers begin for one tenant in a window, before sources that are new have to wait.
pub const TOTAL: u64 = 15_000;
/// Windows begin where time divides by this.
pub const WINDOW_SECONDS: i64 = 300;
/// A source counts as known once it was seen this long ago and is not forgotten. That is longer than a flood goes
/// unnoticed.
pub const KNOWN_AFTER_SECONDS: i64 = 3600;

/// Who begins a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody of whom only the network is known: an IPv4 address, or 64 bits of an IPv6 address, of which each
    /// customer of a network has at least so many (RFC 6177, section 2).
    Network(String),
    /// The action of a user token, wherever the request comes from. Not the user: whoever has one token of a user, got by
    /// the password alone, would use up what the user's other tokens begin with.
    Action(ActionId),
    /// The same, of the links that its page makes.
    Links(ActionId),
}

impl Source {
    /// The network of an address as the server sees it. Requests without one share one source.
    pub fn network(address: Option<&str>) -> Self {
        let name = match address.and_then(|text| text.parse::<IpAddr>().ok()).map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            None => "unknown".into(),
        };
        Self::Network(name)
    }

    /// How much it may begin in a window.
    pub fn most(&self) -> u64 {
        match self {
            Self::Network(_) | Self::Action(_) => PER_SOURCE,
            Self::Links(_) => LINKS,
        }
    }

    /// As it stands in a key; no network looks like an action.
    pub fn name(&self) -> String {
        match self {
            Self::Network(name) => name.clone(),
            Self::Action(id) => format!("action:{id}"),
            Self::Links(id) => format!("links:{id}"),
        }
    }

    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Network(_))
    }
}

/// A window of a budget, by its number since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(pub i64);

impl Window {
    pub fn of(now: Timestamp) -> Self {
        Self(now.as_second().div_euclid(WINDOW_SECONDS))
    }
    /// Unix seconds.
    pub fn end(self) -> i64 {
        (self.0 + 1) * WINDOW_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_counts_by_its_network() {
        let name = |address| Source::network(Some(address)).name();
        assert_eq!(name("203.0.113.7"), "203.0.113.7");
        assert_eq!(name("::ffff:203.0.113.7"), "203.0.113.7", "the same host");
        assert_eq!(name("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(name("2001:db8:1:2:ffff::1"), name("2001:db8:1:2::"));
        assert_ne!(name("2001:db8:1:3::"), name("2001:db8:1:2::"));
        assert_eq!((name("no address"), Source::network(None).name()), ("unknown".into(), "unknown".into()));
    }

    #[test]
    fn a_window_ends_where_the_next_begins() {
        let at = |second| Window::of(Timestamp::from_second(second).unwrap());
        assert_eq!((at(299), at(300)), (Window(0), Window(1)));
        assert_eq!(at(299).end(), 300);
    }
}
