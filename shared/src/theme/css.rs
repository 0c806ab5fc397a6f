//! A theme as custom properties of CSS: `--cs-` and the path of a field in kebab case.

use std::fmt::Write;

use super::{
    Alignment, Appearance, Container, Edge, PageBackground, Side, Theme, Typography, contrast::Mode, value::WebAddress,
};

/// Colours that follow from others where a theme does not set them.
const DERIVED: [&str; 3] = ["colors-button-primary-text", "colors-link", "colors-focus"];

impl Theme {
    /// The style sheet: custom properties for light and for dark pages, and the fonts. Colours and backgrounds of the
    /// theme are those of light pages; only its primary colour holds for dark ones too.
    pub fn css(&self) -> String {
        let light = self.light.colours().chain(self.derived_colours(Mode::Light)).collect();
        let dark = self.dark_mode.iter();
        let dark = dark.flat_map(|dark| dark.colours().chain(dark.shapes())).chain(self.derived_colours(Mode::Dark));
        let shared = self.light.primary().chain(self.light.shapes()).collect();
        let mut css = String::new();
        for (media, declarations) in [
            ("", shared),
            ("not all and (prefers-color-scheme: dark)", light),
            ("(prefers-color-scheme: dark)", self.dark_mode.iter().flat_map(Appearance::primary).chain(dark).collect()),
        ] {
            rule(&mut css, media, declarations);
        }
        for appearance in self.modes() {
            faces(&mut css, appearance.typography.as_ref());
        }
        css
    }

    fn derived_colours(&self, mode: Mode) -> impl Iterator<Item = (String, String)> {
        let is_set = move |name: &str| match mode {
            Mode::Light => self.light.has(name),
            Mode::Dark => self.dark_mode.as_ref().is_some_and(|dark| dark.has(name)),
        };
        DERIVED
            .into_iter()
            .filter(move |name| !is_set(name))
            .filter_map(move |name| Some((name.to_owned(), self.derived(mode, name)?.as_str().to_owned())))
    }
}

impl Appearance {
    fn has(&self, name: &str) -> bool {
        self.colours().any(|(known, _)| known == name)
    }

    fn primary(&self) -> impl Iterator<Item = (String, String)> {
        self.primary_color.iter().map(|colour| ("primary-color".to_owned(), colour.as_str().to_owned()))
    }

    /// What is of one mode alone.
    fn colours(&self) -> impl Iterator<Item = (String, String)> {
        let colours = self.colors.iter().flat_map(|colors| colors.set());
        let colours = colours.map(|(name, colour)| (format!("colors-{}", kebab(name)), colour.as_str().to_owned()));
        colours.chain(self.page_background.iter().flat_map(PageBackground::properties))
    }

    /// What is of both modes, as long as the dark one says nothing else.
    fn shapes(&self) -> impl Iterator<Item = (String, String)> {
        let urls =
            [("logo-url", &self.logo_url), ("watermark-url", &self.watermark_url), ("favicon-url", &self.favicon_url)];
        let urls = urls.into_iter().filter_map(|(name, address)| Some((name.to_owned(), url(address.as_ref()?))));
        let borders = self.borders.iter().flat_map(|borders| borders.set());
        let borders = borders.map(|(name, length)| (format!("borders-{}", kebab(name)), length.css()));
        let fonts =
            self.typography.iter().flat_map(Typography::fonts).filter(|(_, font)| font.files().next().is_some());
        let fonts = fonts.map(|(name, _)| (format!("typography-{name}-family"), format!("\"cs-{name}\"")));
        let links = self.links.as_ref().and_then(|links| links.underline);
        let links =
            links.map(|is_on| ("links-underline".to_owned(), if is_on { "underline" } else { "none" }.to_owned()));
        let shadows = self.shadows.as_ref().and_then(|shadows| shadows.enabled);
        let shadows = shadows.map(|is_on| ("shadows-enabled".to_owned(), u8::from(is_on).to_string()));
        let container = self.container.iter().flat_map(Container::properties);
        urls.chain(borders).chain(container).chain(fonts).chain(links).chain(shadows)
    }
}

impl Container {
    fn properties(&self) -> impl Iterator<Item = (String, String)> {
        let alignment = |alignment: Alignment| match alignment {
            Alignment::Left => "left".to_owned(),
            Alignment::Center => "center".to_owned(),
            Alignment::Right => "right".to_owned(),
        };
        let properties = [
            ("content-alignment", self.content_alignment.map(alignment)),
            ("padding", self.padding.map(|length| length.css())),
            ("logo-alignment", self.logo_alignment.map(alignment)),
            (
                "logo-position",
                self.logo_position.map(|side| if side == Side::Inside { "inside" } else { "outside" }.into()),
            ),
            ("logo-height", self.logo_height.map(|length| length.css())),
            ("exit-position", self.exit_position.map(|edge| if edge == Edge::Top { "top" } else { "bottom" }.into())),
        ];
        properties.into_iter().filter_map(|(name, value)| Some((format!("container-{name}"), value?)))
    }
}

impl PageBackground {
    fn properties(&self) -> impl Iterator<Item = (String, String)> {
        let colour = self.background_color.as_ref().map(|colour| ("background-color", colour.as_str().to_owned()));
        let image = self.background_image_url.as_ref().map(|address| ("background-image-url", url(address)));
        [colour, image].into_iter().flatten().map(|(name, value)| (format!("page-background-{name}"), value))
    }
}

fn rule(css: &mut String, media: &str, declarations: Vec<(String, String)>) {
    if declarations.is_empty() {
        return;
    }
    let mut body = String::new();
    for (name, value) in declarations {
        let _ = write!(body, "--cs-{name}:{value};");
    }
    let _ = match media {
        "" => write!(css, ":root{{{body}}}"),
        media => write!(css, "@media {media}{{:root{{{body}}}}}"),
    };
}

/// A later face of the same family and weight goes before an earlier one: those of dark pages come last.
fn faces(css: &mut String, typography: Option<&Typography>) {
    for (name, font) in typography.into_iter().flat_map(Typography::fonts) {
        for (address, weight) in font.files() {
            let weight = weight.map_or_else(|| "100 900".to_owned(), super::value::Weight::css);
            let source = url(address);
            let _ = write!(
                css,
                "@font-face{{font-family:\"cs-{name}\";src:{source};font-weight:{weight};font-display:swap}}"
            );
        }
    }
}

fn url(address: &WebAddress) -> String {
    format!("url(\"{}\")", address.as_str())
}

fn kebab(field: &str) -> String {
    field.replace('_', "-")
}
