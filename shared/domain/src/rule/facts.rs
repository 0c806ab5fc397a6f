//! The data that rules are asked over: each point with where it comes from, and when it is absent.
//!
//! Data points of the tenant's own may be of another type than was declared later: that is found where rules are asked.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{
    DataPoint,
    catalogue::{ANONYMOUS_IPS, OFAC_COUNTRIES, variable},
    list::{self, Members, ValueList},
    recent::{Coordinates, Device, Origin, Recent, Stay},
    understood,
};
use crate::{
    clock::Timestamp,
    id::{ActionCode, DeviceTag},
    user::{Profile, User},
};

/// Data points that are there, by their name.
pub type Data = BTreeMap<String, Value>;

/// The value lists of a tenant that are active, by their alias.
#[derive(Debug, Default)]
pub struct Lists(HashMap<String, Members>);

impl Lists {
    pub fn new<'a>(all: impl IntoIterator<Item = &'a ValueList>) -> Self {
        let active = all.into_iter().filter(|list| list.is_active);
        Self(active.map(|list| (list.alias.to_string(), Members::of(list))).collect())
    }
    pub fn get(&self, alias: &str) -> Option<&Members> {
        self.0.get(alias)
    }
}

/// Where an address is, as far as a database says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub city: Option<String>,
    /// The number of its autonomous system.
    pub asn: Option<u32>,
    /// Degrees north and east.
    pub location: Option<Coordinates>,
}

impl Place {
    /// What a person is told: `Berlin, DE`, or the country alone.
    pub fn name(self) -> Option<String> {
        match (self.city, self.country) {
            (Some(city), Some(country)) => Some(format!("{city}, {country}")),
            (city, country) => city.or(country),
        }
    }
}

/// What a backend said of an action.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub device_id: Option<&'a str>,
    pub locale: Option<&'a str>,
    pub custom: Option<&'a Map<String, Value>>,
}

impl<'a> Given<'a> {
    /// What a backend said of an action, of the text that is stored of it.
    pub fn of_input(input: &'a Value) -> Self {
        let text = |name: &str| input.get(name).and_then(Value::as_str);
        Self {
            ip_address: text("ipAddress"),
            user_agent: text("userAgent"),
            device_id: text("deviceId"),
            locale: text("locale"),
            custom: input.get("custom").and_then(Value::as_object),
        }
    }
    pub fn address(&self) -> Option<IpAddr> {
        self.ip_address.and_then(understood::address)
    }
    pub fn device(&self) -> Option<DeviceTag> {
        self.device_id.filter(|id| !id.is_empty()).map(DeviceTag::of)
    }
    /// Whether a data point is known of an action that a device makes. No backend says anything of it: known is what is
    /// stored of the user, what the server sees itself, and the time. A page is free to claim any browser, and any of the
    /// data of its action, so what follows from these is not known.
    pub fn is_known_untracked(&self, point: &str) -> bool {
        match point.split('.').next().unwrap_or_default() {
            "ip" => self.address().is_some(),
            "user" | "velocity" | "time" => true,
            _ => point == "action.code",
        }
    }
    /// What is remembered of it, once the action is let through.
    pub fn origin(&self, place: &Place) -> Origin {
        Origin {
            address: self.address().map(|address| address.to_string()),
            device: self.device(),
            location: place.location,
        }
    }
}

/// Everything that is known of an action when rules are asked.
pub struct Known<'a> {
    pub given: Given<'a>,
    pub place: &'a Place,
    pub code: &'a ActionCode,
    pub user: &'a User,
    pub profile: &'a Profile,
    pub recent: &'a Recent,
    /// The device of the action, where rules have seen it before.
    pub device: Option<&'a Device>,
    pub points: &'a [DataPoint],
    pub lists: &'a Lists,
    pub now: Timestamp,
}

/// Collects data points, leaving out those that are absent.
#[derive(Default)]
struct Collected(Data);

impl Collected {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

/// The data points of an action.
pub fn data(known: &Known<'_>) -> Data {
    let mut all = Collected::default();
    of_address(known, &mut all);
    of_device(known, &mut all);
    of_user(known, &mut all);
    of_time(known.now, &mut all);
    all.put("action.code", Some(known.code.as_str()));
    all.put("action.locale", known.given.locale);
    let (hour, day) = known.recent.actions(known.code, known.now);
    all.put("velocity.actions1h", Some(hour));
    all.put("velocity.actions24h", Some(day));
    let (hour, day) = known.recent.failures(known.code, known.now);
    all.put("velocity.failures1h", Some(hour));
    all.put("velocity.failures24h", Some(day));
    // Read from the guess budgets in the user's item, so that it costs no other read and no write.
    all.put("velocity.wrongCodes5m", Some(known.user.guesses.counting(known.now)));
    all.put("velocity.wrongCodesInARow", Some(known.user.guesses.failures()));
    for point in known.points {
        let of = if point.is_of_user() { known.profile.custom.as_ref() } else { known.given.custom };
        let value = of.and_then(|of| of.get(&point.name)).filter(|value| !value.is_null());
        all.put(&variable(point), value.cloned());
    }
    all.0
}

/// Without an address that can be read all of these are absent; without its list or its database each one is.
fn of_address(known: &Known<'_>, all: &mut Collected) {
    let Some(address) = known.given.address() else { return };
    let text = address.to_string();
    all.put("ip.isUnrecognized", Some(!known.recent.knows_address(&text)));
    all.put("ip.address", Some(text));
    all.put("ip.isAnonymous", known.lists.get(ANONYMOUS_IPS).map(|list| list.contains_address(address)));
    let Place { country, asn, location, .. } = known.place;
    all.put("ip.asn", *asn);
    all.put("ip.countryCode", country.clone());
    if let (Some(country), Some(list)) = (country, known.lists.get(OFAC_COUNTRIES)) {
        all.put("ip.countryCodeInOfacList", Some(list.contains(&country.as_str().into())));
    }
    if let (Some(here), Some(last)) = (location, known.recent.place()) {
        all.put("ip.impossibleTravel", Some(is_impossible(last, *here, known.now)));
    }
}

/// Adds what follows from other data and the lists, unless it is given: for data that a person wrote down, as in a test
/// case.
pub fn complete(data: &mut Data, code: &ActionCode, lists: &Lists, now: Timestamp) {
    let mut follows = Collected::default();
    of_time(now, &mut follows);
    follows.put("action.code", Some(code.as_str()));
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    follows.put("device.isBot", text("device.userAgent").map(is_bot));
    follows.0.extend(of_lists(data, lists));
    for (name, value) in follows.0 {
        data.entry(name).or_insert(value);
    }
}

/// What some lists say of an address and a country.
pub fn of_lists(data: &Data, lists: &Lists) -> Data {
    let mut all = Collected::default();
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    if let (Some(address), Some(list)) = (text("ip.address").and_then(list::address), lists.get(ANONYMOUS_IPS)) {
        all.put("ip.isAnonymous", Some(list.contains_address(address)));
    }
    if let (Some(country), Some(list)) = (text("ip.countryCode"), lists.get(OFAC_COUNTRIES)) {
        all.put("ip.countryCodeInOfacList", Some(list.contains(&country.into())));
    }
    all.0
}

/// Faster than an airliner, and farther than a database of addresses errs.
const MOST_KM_PER_HOUR: f64 = 1000.0;
const LEAST_KM: f64 = 100.0;

fn is_impossible(last: Stay, here: Coordinates, now: Timestamp) -> bool {
    let km = kilometres(Coordinates { latitude: last.latitude, longitude: last.longitude }, here);
    let seconds = i32::try_from(now.as_second() - last.at).unwrap_or(i32::MAX).max(0);
    km > LEAST_KM && km * 3600.0 > MOST_KM_PER_HOUR * f64::from(seconds)
}

/// Along a great circle (the haversine formula; mean radius of the earth).
fn kilometres(from: Coordinates, to: Coordinates) -> f64 {
    let [lat1, lon1, lat2, lon2] = [from.latitude, from.longitude, to.latitude, to.longitude].map(f64::to_radians);
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let h = half(lat2 - lat1) + lat1.cos() * lat2.cos() * half(lon2 - lon1);
    2.0 * 6371.0 * h.sqrt().min(1.0).asin()
}

/// A device without an id counts as new and not remembered, because a client is free to send none.
fn of_device(known: &Known<'_>, all: &mut Collected) {
    all.put("device.id", known.given.device_id.filter(|id| !id.is_empty()));
    all.put("device.isNew", Some(!known.device.is_some_and(Device::is_known)));
    all.put("device.isRemembered", Some(known.device.is_some_and(|device| device.is_remembered(known.now))));
    all.put("device.userAgent", known.given.user_agent);
    all.put("device.isBot", known.given.user_agent.map(is_bot));
}

/// What programs that are no browser call themselves. A program that lies is not found by this.
const BOTS: [&str; 24] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scrap",
    "headless",
    "phantomjs",
    "selenium",
    "puppeteer",
    "playwright",
    "webdriver",
    "curl/",
    "wget/",
    "httpie/",
    "python-requests",
    "python-urllib",
    "aiohttp",
    "go-http-client",
    "okhttp",
    "axios/",
    "node-fetch",
    "java/",
    "libwww-perl",
    "postmanruntime",
];

/// An empty user agent is a bot's too.
pub fn is_bot(user_agent: &str) -> bool {
    let lower = user_agent.trim().to_ascii_lowercase();
    lower.is_empty() || BOTS.iter().any(|pattern| lower.contains(pattern))
}

fn of_user(known: &Known<'_>, all: &mut Collected) {
    let Known { user, profile, .. } = known;
    all.put("user.id", Some(user.id.as_str()));
    all.put("user.email", profile.email.clone());
    all.put("user.emailVerified", Some(profile.email_verified));
    all.put("user.phoneNumber", profile.phone_number.clone());
    all.put("user.phoneNumberVerified", Some(profile.phone_number_verified));
    all.put("user.username", profile.username.clone());
    all.put("user.displayName", profile.display_name.clone());
    all.put("user.locale", profile.locale.clone());
    all.put("user.isEnrolled", Some(user.is_enrolled()));
    let methods = user.enrolled_methods();
    all.put("user.enrolledMethods", Some(methods.iter().map(|method| method.as_str()).collect::<Vec<_>>()));
    // A code of an app that the user still has was accepted, or a challenge has succeeded since the action has rules.
    let has_verified = known.recent.has_verified() || user.totp.values().any(|credential| credential.spent.at > 0);
    all.put("user.hasPreviouslyVerified", Some(has_verified));
    let age = known.now.as_second() - user.created_at.as_second();
    all.put("user.ageInDays", Some(age.max(0) / (24 * 3600)));
}

/// In UTC; days of the week as ISO 8601 counts them, from Monday, 1.
fn of_time(now: Timestamp, all: &mut Collected) {
    let utc = now.to_zoned(TimeZone::UTC);
    all.put("time.hour", Some(utc.hour()));
    all.put("time.minute", Some(utc.minute()));
    all.put("time.dayOfWeek", Some(utc.weekday().to_monday_one_offset()));
    all.put("time.date", Some(utc.date().to_string()));
}
