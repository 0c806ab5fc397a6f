//! Whether a theme can be read: contrast after WCAG 2.2, success criteria 1.4.3 and 1.4.11.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Appearance, Theme, value::Colour};

/// Our pages' own colours, where a theme sets none: name, light, dark. Their style sheet has the same, which a test
/// compares. Our pages have two shades of running text; this is the softer one.
pub const DEFAULTS: [(&str, &str, &str); 12] = [
    ("primary-color", "#1f4fd8", "#8fb0ff"),
    ("page-background-background-color", "#f3f5f9", "#0e131b"),
    ("colors-container-background", "#fff", "#171e29"),
    ("colors-card-background", "#fff", "#1c2532"),
    ("colors-heading-text", "#131926", "#f5f7fb"),
    ("colors-body-text", "#4c586b", "#b4bfcf"),
    ("colors-link", "#1f4fd8", "#9dbbff"),
    ("colors-focus", "#1f4fd8", "#9dbbff"),
    ("colors-input-background", "#fff", "#121923"),
    ("colors-input-border", "#78869b", "#76869f"),
    ("colors-button-secondary-text", "#1f4fd8", "#9dbbff"),
    ("colors-button-secondary-background", "#ffffff00", "#00000000"),
];

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Light,
    Dark,
}

/// Two colours that are hard to tell apart.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContrastWarning {
    /// The two fields, such as `bodyText/cardBackground`.
    pub pair: &'static str,
    pub foreground: String,
    pub background: String,
    /// The ratio that they have, from 1 to 21, rounded down to two places.
    pub ratio: f64,
    /// The ratio that is needed: 4.5 for text, 3 for borders and the focus.
    pub needed: f64,
    pub mode: Mode,
}

type Rgb = [f64; 3];

const TEXT: f64 = 4.5;
const SHAPE: f64 = 3.0;

/// Two colours of a page, by their names in the theme, and the contrast that they need.
struct Pair {
    name: &'static str,
    foreground: &'static str,
    background: &'static str,
    needed: f64,
}

const fn pair(name: &'static str, foreground: &'static str, background: &'static str, needed: f64) -> Pair {
    Pair { name, foreground, background, needed }
}

const PAIRS: [Pair; 12] = [
    pair("bodyText/cardBackground", "colors-body-text", "colors-card-background", TEXT),
    pair("bodyText/containerBackground", "colors-body-text", "colors-container-background", TEXT),
    pair("headingText/cardBackground", "colors-heading-text", "colors-card-background", TEXT),
    pair("headingText/containerBackground", "colors-heading-text", "colors-container-background", TEXT),
    pair("buttonPrimaryText/primaryColor", "colors-button-primary-text", "primary-color", TEXT),
    pair(
        "buttonSecondaryText/buttonSecondaryBackground",
        "colors-button-secondary-text",
        "colors-button-secondary-background",
        TEXT,
    ),
    pair("link/cardBackground", "colors-link", "colors-card-background", TEXT),
    pair("link/containerBackground", "colors-link", "colors-container-background", TEXT),
    pair("bodyText/inputBackground", "colors-body-text", "colors-input-background", TEXT),
    pair("focus/cardBackground", "colors-focus", "colors-card-background", SHAPE),
    pair("focus/containerBackground", "colors-focus", "colors-container-background", SHAPE),
    pair("inputBorder/containerBackground", "colors-input-border", "colors-container-background", SHAPE),
];

impl Theme {
    /// The pairs of colours that are hard to read. Our own colour stands in where the theme sets none.
    pub fn contrast_warnings(&self) -> Vec<ContrastWarning> {
        let of = |mode| PAIRS.iter().filter_map(move |pair| self.warning(mode, pair));
        of(Mode::Light).chain(of(Mode::Dark)).collect()
    }

    fn warning(&self, mode: Mode, pair: &Pair) -> Option<ContrastWarning> {
        let Pair { name, foreground, background, needed } = *pair;
        let (front, back) = (self.colour(mode, foreground), self.colour(mode, background));
        let page = over(&self.colour(mode, "page-background-background-color"), paper(mode));
        let behind = over(&back, over(&self.colour(mode, "colors-container-background"), page));
        let ratio = contrast(over(&front, behind), behind);
        // Rounded down: 4.499 is not 4.5.
        let ratio = (ratio * 100.0).floor() / 100.0;
        let (foreground, background) = (front.as_str().to_owned(), back.as_str().to_owned());
        (ratio < needed).then_some(ContrastWarning { pair: name, foreground, background, ratio, needed, mode })
    }

    /// The colour that a page has in the end: the theme's, one that follows from it, or ours.
    pub(super) fn colour(&self, mode: Mode, name: &str) -> Colour {
        self.own(mode, name).or_else(|| self.derived(mode, name)).unwrap_or_else(|| default(mode, name))
    }

    fn own(&self, mode: Mode, name: &str) -> Option<Colour> {
        match mode {
            Mode::Light => self.light.colour(name),
            // A dark page takes the brand's colour alone from the light theme: light surfaces would be wrong there.
            Mode::Dark => {
                let of_light = || self.light.colour(name).filter(|_| name == "primary-color");
                self.dark_mode.as_ref().and_then(|dark| dark.colour(name)).or_else(of_light)
            }
        }
    }

    /// Colours that follow from the primary one, as long as they can be read.
    pub(super) fn derived(&self, mode: Mode, name: &str) -> Option<Colour> {
        let primary = self.own(mode, "primary-color")?;
        let behind = |name: &str| over(&self.colour(mode, name), paper(mode));
        let is_seen = |needed: f64| {
            ["colors-card-background", "colors-container-background"].iter().all(|name| {
                let behind = behind(name);
                contrast(over(&primary, behind), behind) >= needed
            })
        };
        match name {
            "colors-button-primary-text" => Some(on(over(&primary, paper(mode)))),
            // The other button says its name in the colour of links.
            "colors-link" | "colors-button-secondary-text" => {
                Some(if is_seen(TEXT) { primary } else { self.colour(mode, "colors-body-text") })
            }
            "colors-focus" => Some(if is_seen(SHAPE) { primary } else { self.colour(mode, "colors-body-text") }),
            _ => None,
        }
    }
}

impl Appearance {
    fn colour(&self, name: &str) -> Option<Colour> {
        match name {
            "primary-color" => self.primary_color.clone(),
            "page-background-background-color" => self.page_background.as_ref()?.background_color.clone(),
            name => {
                let field = name.strip_prefix("colors-")?.replace('-', "_");
                self.colors.as_ref()?.set().find(|(known, _)| *known == field).map(|(_, colour)| colour.clone())
            }
        }
    }
}

/// Our own colour. The text of a primary button is black or white, after the colour of the button.
fn default(mode: Mode, name: &str) -> Colour {
    let known = DEFAULTS.iter().find(|(known, ..)| *known == name);
    let text = known.map(|(_, light, dark)| if mode == Mode::Light { *light } else { *dark });
    match text.and_then(|text| Colour::try_from(text.to_owned()).ok()) {
        Some(colour) => colour,
        None => on(over(&default(mode, "primary-color"), paper(mode))),
    }
}

/// Black or white, whichever can be read better there.
fn on(background: Rgb) -> Colour {
    let is_black = contrast([0.0; 3], background) >= contrast([1.0; 3], background);
    Colour::try_from(if is_black { "#000000" } else { "#ffffff" }.to_owned())
        .unwrap_or_else(|_| unreachable!("both are colours"))
}

/// What a browser paints behind everything.
fn paper(mode: Mode) -> Rgb {
    match mode {
        Mode::Light => [1.0; 3],
        Mode::Dark => [0.0; 3],
    }
}

/// A colour that lets something through, on what is behind it.
fn over(colour: &Colour, behind: Rgb) -> Rgb {
    let [red, green, blue, opacity] = colour.channels().map(|channel| f64::from(channel) / 255.0);
    let mix = |front: f64, back: f64| front * opacity + back * (1.0 - opacity);
    [mix(red, behind[0]), mix(green, behind[1]), mix(blue, behind[2])]
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: Rgb) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn theme(value: Value) -> Theme {
        Theme::read(value).expect("a theme")
    }

    /// Known values of WCAG's own formula.
    #[test]
    fn contrast_is_that_of_wcag() {
        let ratio = |text: &str| {
            let theme = theme(json!({"colors": {"bodyText": text, "cardBackground": "#ffffff"}}));
            let warnings = theme.contrast_warnings();
            warnings.into_iter().find(|warning| warning.pair == "bodyText/cardBackground").map(|warning| warning.ratio)
        };
        assert_eq!(ratio("#ffffff"), Some(1.0));
        assert_eq!(ratio("#777777"), Some(4.47));
        assert_eq!(ratio("#767676"), None, "4.54");
        assert_eq!(ratio("#00000080"), Some(4.0), "half black on white is #7f7f7f");
        assert_eq!(ratio("#000"), None);
    }

    /// Our own colours pass what we hold others to.
    #[test]
    fn our_own_colours_warn_of_nothing() {
        assert_eq!(Theme::default().contrast_warnings(), []);
    }

    proptest! {
        /// A brand's colour alone never makes a page that cannot be read: the rest follows from it.
        #[test]
        fn a_primary_colour_alone_is_always_readable(red: u8, green: u8, blue: u8) {
            let theme = theme(json!({"primaryColor": format!("#{red:02x}{green:02x}{blue:02x}")}));
            prop_assert_eq!(theme.contrast_warnings(), vec![]);
        }
    }
}
