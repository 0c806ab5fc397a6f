//! How a tenant's hosted pages look (contract, M21–M22). What is read here is typed and checked, so that nothing a
//! theme holds can end the style sheet that it is written into.

pub mod contrast;
mod css;
mod parts;
pub mod value;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use parts::{
    Alignment, Borders, Colors, Container, Edge, Face, Font, Links, PageBackground, Shadows, Side, Typography,
};
use value::{Colour, WebAddress};

use crate::{error::Error, id::check_name};

/// A tenant's theme; what is absent looks as our pages do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Theme {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(flatten)]
    pub light: Appearance,
    /// What is different where the device asks for a dark page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dark_mode: Option<Appearance>,
}

/// What can be said for light and dark pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Appearance {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub logo_url: Option<WebAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub watermark_url: Option<WebAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub favicon_url: Option<WebAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub primary_color: Option<Colour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borders: Option<Borders>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colors: Option<Colors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_background: Option<PageBackground>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typography: Option<Typography>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadows: Option<Shadows>,
}

/// The longest name of a theme, in characters.
const MAX_NAME: usize = 64;

/// At most so many files make up one font.
const MAX_FACES: usize = 6;

impl Theme {
    /// Reads a theme; unknown fields are ignored. 400 that names the field to change.
    pub fn read(value: Value) -> Result<Self, Error> {
        check_objects("", &value)?;
        let Value::Object(mut fields) = value else { return Err(Error::invalid("The theme is a JSON object.")) };
        let name: Option<String> = take(&mut fields, "name")?;
        if let Some(name) = &name {
            check_name("name", name, MAX_NAME)?;
        }
        let dark: Option<Value> = take(&mut fields, "darkMode")?;
        let mut theme = Self {
            name,
            light: at("", Value::Object(fields))?,
            dark_mode: dark.map(|dark| at("darkMode", dark)).transpose()?,
        };
        // In the contract this field belongs to the theme alone, and not to its dark mode.
        if let Some(container) = theme.dark_mode.as_mut().and_then(|dark| dark.container.as_mut()) {
            container.exit_position = None;
        }
        for appearance in theme.modes() {
            let fonts = appearance.typography.iter().flat_map(Typography::fonts);
            if fonts.into_iter().any(|(_, font)| font.faces.as_ref().is_some_and(|faces| faces.len() > MAX_FACES)) {
                return Err(Error::Invalid(format!("typography: a font has at most {MAX_FACES} faces.")));
            }
        }
        Ok(theme)
    }

    /// The theme with these changes: what is absent stays, null clears, objects are changed field by field
    /// (contract, section 5; RFC 7396). 400 that names the field to change.
    pub fn changed(&self, changes: Map<String, Value>) -> Result<Self, Error> {
        let mut value = serde_json::to_value(self).map_err(Error::internal)?;
        merge(&mut value, Value::Object(changes));
        Self::read(value)
    }

    /// Refuses addresses of a machine of one's own where the tenant is no local one; 400 that names it.
    pub fn check_addresses(&self, is_local: bool) -> Result<(), Error> {
        match self.addresses().find(|address| address.is_loopback()) {
            Some(address) if !is_local => Err(Error::Invalid(format!(
                "{:?} leads to the machine of whoever sees the page; only local tenants may use it.",
                address.as_str()
            ))),
            _ => Ok(()),
        }
    }

    /// Whether dark pages show the logo of light ones.
    pub fn lacks_a_dark_logo(&self) -> bool {
        let dark = self.dark_mode.as_ref().and_then(|dark| dark.logo_url.as_ref());
        self.light.logo_url.is_some() && dark.is_none()
    }

    fn modes(&self) -> impl Iterator<Item = &Appearance> {
        std::iter::once(&self.light).chain(&self.dark_mode)
    }

    fn addresses(&self) -> impl Iterator<Item = &WebAddress> {
        self.modes().flat_map(|appearance| appearance.images().chain(appearance.font_files()))
    }

    /// Where its pictures come from, each origin once: for `img-src` of the content policy.
    pub fn image_origins(&self) -> Vec<String> {
        origins(self.modes().flat_map(Appearance::images))
    }

    /// Where its fonts come from, each origin once: for `font-src` of the content policy.
    pub fn font_origins(&self) -> Vec<String> {
        origins(self.modes().flat_map(Appearance::font_files))
    }
}

impl Appearance {
    fn images(&self) -> impl Iterator<Item = &WebAddress> {
        let background = self.page_background.as_ref().and_then(|page| page.background_image_url.as_ref());
        [&self.logo_url, &self.watermark_url, &self.favicon_url].into_iter().flatten().chain(background)
    }

    fn font_files(&self) -> impl Iterator<Item = &WebAddress> {
        let fonts = self.typography.iter().flat_map(Typography::fonts);
        fonts.flat_map(|(_, font)| font.files().map(|(address, _)| address))
    }
}

fn origins<'a>(addresses: impl Iterator<Item = &'a WebAddress>) -> Vec<String> {
    let mut origins: Vec<String> = addresses.map(WebAddress::origin).collect();
    origins.sort_unstable();
    origins.dedup();
    origins
}

/// What has fields.
const OBJECTS: [&str; 11] = [
    "borders",
    "colors",
    "container",
    "pageBackground",
    "typography",
    "links",
    "shadows",
    "darkMode",
    "text",
    "display",
    "button",
];

/// Refuses lists where fields belong: serde would take their values in turn.
fn check_objects(place: &str, value: &Value) -> Result<(), Error> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Array(_) if OBJECTS.contains(&name.as_str()) => {
                return Err(Error::Invalid(format!("{}: expected an object.", below(name))));
            }
            Value::Array(faces) if name == "faces" && faces.iter().any(Value::is_array) => {
                return Err(Error::Invalid(format!("{}: expected objects.", below(name))));
            }
            _ => check_objects(&below(name), value)?,
        }
    }
    Ok(())
}

fn take<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<Option<T>, Error> {
    fields.remove(name).map(|value| at::<Option<T>>(name, value)).transpose().map(Option::flatten)
}

/// Reads a part of a theme; an error names the field below `place`.
fn at<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let below = error.path().to_string();
        let field = match (place, below.as_str()) {
            ("", below) => below.to_owned(),
            (place, ".") => place.to_owned(),
            (place, below) => format!("{place}.{below}"),
        };
        let why = error.inner().to_string();
        Error::Invalid(format!("{field}: {}.", why.trim_end_matches('.')))
    })
}

/// RFC 7396.
fn merge(value: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *value = changes;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}
