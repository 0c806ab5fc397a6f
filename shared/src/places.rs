//! Where addresses are, by databases in MaxMind's format (MMDB) that the operator brings.
//!
//! Nothing is shipped: ip-location-db (PDDL) and DB-IP Lite (CC BY 4.0) are free. Without a database nothing is known.

use std::{net::IpAddr, path::Path, sync::Arc};

use maxminddb::{PathElement, Reader, path};

use crate::{
    config::{ConfigError, Environment},
    rule::{facts::Place, recent::Coordinates, understood},
};

/// Some databases, asked in turn: the first that knows a thing says it.
#[derive(Clone, Default)]
pub struct Places(Arc<Vec<Reader<Vec<u8>>>>);

impl Places {
    /// `COUNTERSIGN_MMDB`: files, separated by `:`. None where it is absent.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let named = environment.optional("COUNTERSIGN_MMDB").unwrap_or_default();
        Self::open(named.split(':').filter(|file| !file.is_empty()))
    }

    /// Reads databases into memory, once.
    pub fn open<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Result<Self, ConfigError> {
        let open = |file: P| {
            let file = file.as_ref();
            Reader::open_readfile(file).map_err(|error| {
                ConfigError::new(format!(
                    "COUNTERSIGN_MMDB names a file that cannot be used: {}: {error}",
                    file.display()
                ))
            })
        };
        files.into_iter().map(open).collect::<Result<_, _>>().map(|all| Self(Arc::new(all)))
    }

    /// What a person is told of an address as somebody wrote it; nothing where it is none, or nothing is known.
    pub fn name_of(&self, address: &str) -> Option<String> {
        self.place(understood::address(address)?).name()
    }

    /// What is known of an address; a record that cannot be read is as if it were not there.
    pub fn place(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for reader in self.0.iter() {
            let Ok(found) = reader.lookup(address) else { continue };
            let text = |at: &[PathElement<'_>]| found.decode_path::<String>(at).ok().flatten();
            let number = |at: &[PathElement<'_>]| found.decode_path::<f64>(at).ok().flatten();
            let country = || text(&path!["country", "iso_code"]).or_else(|| text(&path!["country_code"]));
            place.country = place.country.take().or_else(country).filter(|code| code.len() == 2);
            place.city =
                place.city.take().or_else(|| text(&path!["city", "names", "en"])).or_else(|| text(&path!["city"]));
            let asn = || found.decode_path::<u32>(&path!["autonomous_system_number"]).ok().flatten();
            place.asn = place.asn.or_else(asn);
            let location = || {
                let nested = number(&path!["location", "latitude"]).zip(number(&path!["location", "longitude"]));
                nested.or_else(|| number(&path!["latitude"]).zip(number(&path!["longitude"])))
            };
            let location = || location().map(|(latitude, longitude)| Coordinates { latitude, longitude });
            let is_finite = |at: &Coordinates| at.latitude.is_finite() && at.longitude.is_finite();
            place.location = place.location.or_else(location).filter(is_finite);
        }
        place
    }
}
