//! The parts of a theme, in the names of the contract.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::value::{Colour, Length, WebAddress, Weight};

macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $type:ty as $shown:ty: $($field:ident)+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                #[schema(value_type = Option<$shown>)]
                pub $field: Option<$type>,
            )+
        }

        impl $name {
            /// Its fields that are set, each with its name in Rust.
            pub(super) fn set(&self) -> impl Iterator<Item = (&'static str, &$type)> {
                [$((stringify!($field), self.$field.as_ref())),+].into_iter().filter_map(|(name, value)| Some((name, value?)))
            }
        }
    };
}

part!(
    /// Pixels, from 0 to 100.
    Borders, Length as f64:
    button_border_radius button_border_width card_border_radius card_border_width input_border_radius
    input_border_width container_border_radius
);

part!(
    /// Each `#rgb`, `#rrggbb` or `#rrggbbaa`.
    Colors, Colour as String:
    button_primary_text button_primary_border button_secondary_text button_secondary_background
    button_secondary_border card_background card_border input_background input_border link heading_text body_text
    container_background container_border divider icon loader positive critical information hover focus
);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Alignment {
    Left,
    Center,
    Right,
}

/// Where the logo stands, seen from the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Inside,
    Outside,
}

/// Where the way out stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    Top,
    Bottom,
}

/// The box that holds everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_alignment: Option<Alignment>,
    /// Pixels, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub padding: Option<Length>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_alignment: Option<Alignment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_position: Option<Side>,
    /// Pixels, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub logo_height: Option<Length>,
    /// Where the way out is; not in `darkMode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_position: Option<Edge>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PageBackground {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub background_color: Option<Colour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub background_image_url: Option<WebAddress>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Links {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underline: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Shadows {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

part!(
    /// Of running text, of headings, and of buttons.
    Typography, Font as Font:
    text display button
);

impl Typography {
    /// Its fonts, each with the name of its family.
    pub(super) fn fonts(&self) -> impl Iterator<Item = (&'static str, &Font)> {
        self.set()
    }
}

/// The files of a font.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Font {
    /// The files, at most six.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces: Option<Vec<Face>>,
    /// Deprecated: one file for every weight. `faces` goes before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub font_url: Option<WebAddress>,
}

impl Font {
    pub(super) fn files(&self) -> impl Iterator<Item = (&WebAddress, Option<&Weight>)> {
        let faces = self.faces.as_deref().unwrap_or_default();
        let single = self.font_url.as_ref().filter(|_| faces.is_empty()).map(|address| (address, None));
        faces.iter().map(|face| (&face.url, face.weight.as_ref())).chain(single)
    }
}

/// One file of a font.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Face {
    #[schema(value_type = String)]
    pub url: WebAddress,
    /// A number from 1 to 1000, or two such as `100 900`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub weight: Option<Weight>,
}
