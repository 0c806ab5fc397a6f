//! Value lists of a tenant (contract, M11-M15), and addresses in networks.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv6Addr},
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::{ANONYMOUS_IPS, Form, OFAC_COUNTRIES};
use crate::{
    clock::Timestamp,
    error::Error,
    id::{ListAlias, check_name},
};

/// A list of texts or numbers that rules name by its alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueList {
    pub alias: ListAlias,
    pub name: String,
    pub item_type: ItemType,
    /// A list that is not active counts as not known: a rule that asks about it does not match.
    pub is_active: bool,
    pub items: Vec<Value>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemType {
    String,
    Number,
}

impl ValueList {
    /// Checks what holds of every list, new or changed.
    pub fn check(&self) -> Result<(), Error> {
        check_name("name", &self.name, 64)?;
        for (index, item) in self.items.iter().enumerate() {
            let message = match (self.item_type, item) {
                (ItemType::String, Value::String(text)) if text.len() <= 1024 => continue,
                (ItemType::Number, Value::Number(_)) => continue,
                (ItemType::String, Value::String(_)) => "a text has at most 1024 bytes",
                (ItemType::String, _) => "this is no text, and itemType is string",
                (ItemType::Number, _) => "this is no number, and itemType is number",
            };
            return Err(Error::Invalid(format!("valueListItems[{index}]: {message}.")));
        }
        match self.alias.as_str() {
            ANONYMOUS_IPS => self.check_form(Form::Address, "ip.isAnonymous asks this list"),
            OFAC_COUNTRIES => self.check_form(Form::Country, "ip.countryCodeInOfacList asks this list"),
            _ => Ok(()),
        }
    }

    /// Checks that a data point of this form can equal every item; `why` names that data point.
    pub fn check_form(&self, form: Form, why: &str) -> Result<(), Error> {
        if self.item_type != ItemType::String {
            return Err(Error::Invalid(format!("itemType: {why}, and looks for texts; send string.")));
        }
        match self.items.iter().position(|item| !form.has_item(item)) {
            None => Ok(()),
            Some(index) => {
                Err(Error::Invalid(format!("valueListItems[{index}]: {why}; write {}.", form.wanted_item())))
            }
        }
    }
}

/// The alias that a name gives: lower case, and a hyphen for whatever is neither letter nor digit (contract, M11).
pub fn alias_of(name: &str) -> String {
    let mut alias = String::new();
    for c in name.trim().to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            alias.push(c);
        } else if !alias.is_empty() && !alias.ends_with('-') {
            alias.push('-');
        }
    }
    alias.truncate(64);
    alias.trim_end_matches('-').to_owned()
}

/// A list as rules ask it.
#[derive(Debug, Default)]
pub struct Members {
    texts: HashSet<String>,
    /// Numbers by their bits. Equal numbers have equal bits, because -0 is kept as 0.
    numbers: HashSet<u64>,
    networks: Networks,
}

impl Members {
    pub fn of(list: &ValueList) -> Self {
        let texts = list.items.iter().filter_map(Value::as_str);
        Self {
            texts: texts.clone().map(str::to_owned).collect(),
            numbers: list.items.iter().filter_map(Value::as_f64).map(bits).collect(),
            networks: Networks(texts.filter_map(network).collect()),
        }
    }

    pub fn contains(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.texts.contains(text),
            Value::Number(number) => number.as_f64().is_some_and(|number| self.numbers.contains(&bits(number))),
            _ => false,
        }
    }

    /// Whether one of the items is this address, or a network that it is in.
    pub fn contains_address(&self, address: IpAddr) -> bool {
        self.networks.contains(address)
    }
}

fn bits(number: f64) -> u64 {
    // -0 is 0.
    (number + 0.0).to_bits()
}

/// Some networks, IPv4 and IPv6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads networks in CIDR notation, and single addresses; the place of the first that is neither.
    pub fn parse<'a>(all: impl IntoIterator<Item = &'a str>) -> Result<Self, usize> {
        let read = all.into_iter().enumerate().map(|(at, text)| network(text).ok_or(at));
        read.collect::<Result<_, _>>().map(Self)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address, an IPv4 address in its IPv6 form (RFC 4291, section 2.5.5.2) being the IPv4 address.
pub fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// A network in CIDR notation (RFC 4632), or the one of a single address. Networks of mapped addresses are those of IPv4.
fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let Some((start, bits)) = text.split_once('/') else { return address(text).map(IpNet::from) };
    let start: IpAddr = start.parse().ok()?;
    let bits: u8 = bits.parse().ok()?;
    match start {
        IpAddr::V6(v6) if is_mapped(v6) && bits >= 96 => IpNet::new(start.to_canonical(), bits - 96).ok(),
        _ => IpNet::new(start, bits).ok(),
    }
}

fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_lower_case_and_hyphenated() {
        for (name, alias) in [
            ("VIP users", "vip-users"),
            ("  Office  Networks (EU)  ", "office-networks-eu"),
            ("a", "a"),
            ("\u{dc}ber", "ber"),
            ("--", ""),
        ] {
            assert_eq!(alias_of(name), alias, "{name}");
        }
    }

    #[test]
    fn addresses_are_in_their_networks() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "9.9.9.9"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::ffff:11.1.1.1"),
            ("2001:db8::1/128", "2001:DB8:0::1", "2001:db8::2"),
        ] {
            let networks = Networks::parse([network]).unwrap();
            assert!(networks.contains(address(inside).unwrap()), "{inside} in {network}");
            assert!(!networks.contains(address(outside).unwrap()), "{outside} in {network}");
        }
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "a", "", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert_eq!(Networks::parse(["10.0.0.0/8", bad]), Err(1), "{bad}");
        }
    }
}
