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
        // Our own shadows stay unless the theme switches them off.
        let without = self.shadows.as_ref().filter(|shadows| shadows.enabled == Some(false));
        let without = without.map(|_| ("shadows-container".to_owned(), "none".to_owned()));
        let container = self.container.iter().flat_map(Container::properties);
        urls.chain(borders).chain(container).chain(fonts).chain(links).chain(shadows).chain(without)
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

/// A browser takes the later of two faces of one family and weight, so those of dark pages come last.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn theme(value: Value) -> Theme {
        Theme::read(value).expect("a theme")
    }

    #[test]
    fn properties_are_named_after_their_fields() {
        let css = theme(json!({
            "primaryColor": "#1d4ed8", "logoUrl": "https://cdn.example/logo.svg",
            "borders": {"cardBorderRadius": 12, "inputBorderWidth": 1.5},
            "colors": {"buttonPrimaryText": "#fff", "bodyText": "#222"},
            "container": {"padding": 24, "contentAlignment": "center", "exitPosition": "top"},
            "pageBackground": {"backgroundColor": "#eee", "backgroundImageUrl": "https://cdn.example/a.webp"},
            "typography": {"text": {"faces": [{"url": "https://fonts.example/a.woff2", "weight": "100 900"}]}},
            "links": {"underline": false}, "shadows": {"enabled": true},
            "darkMode": {"primaryColor": "#8ab4ff", "colors": {"bodyText": "#ddd"}},
        }))
        .css();
        let (shared, rest) = css.split_once("@media not all and (prefers-color-scheme: dark){").expect("light");
        let (light, dark) = rest.split_once("@media (prefers-color-scheme: dark){").expect("dark");
        for property in [
            "--cs-primary-color:#1d4ed8;",
            "--cs-logo-url:url(\"https://cdn.example/logo.svg\");",
            "--cs-borders-card-border-radius:12px;",
            "--cs-borders-input-border-width:1.500px;",
            "--cs-container-padding:24px;",
            "--cs-container-content-alignment:center;",
            "--cs-container-exit-position:top;",
            "--cs-typography-text-family:\"cs-text\";",
            "--cs-links-underline:none;",
            "--cs-shadows-enabled:1;",
        ] {
            assert!(shared.contains(property), "{property} in {shared}");
        }
        for property in [
            "--cs-colors-button-primary-text:#fff;",
            "--cs-colors-body-text:#222;",
            "--cs-page-background-background-color:#eee;",
            "--cs-page-background-background-image-url:url(\"https://cdn.example/a.webp\");",
        ] {
            assert!(light.contains(property) && !shared.contains(property), "{property} in {light}");
        }
        for property in
            ["--cs-primary-color:#8ab4ff;", "--cs-colors-body-text:#ddd;", "--cs-colors-button-primary-text:#000000;"]
        {
            assert!(dark.contains(property), "{property} in {dark}");
        }
        let face = "@font-face{font-family:\"cs-text\";src:url(\"https://fonts.example/a.woff2\");font-weight:100 900;font-display:swap}";
        assert!(css.contains(face), "{css}");
        assert_eq!(Theme::default().css(), "");
    }

    #[test]
    fn origins_are_named_once() {
        let theme = theme(json!({
            "logoUrl": "https://cdn.example/logo.svg", "faviconUrl": "https://cdn.example:443/icon.png",
            "darkMode": {"logoUrl": "https://dark.example:8443/logo.svg"},
            "typography": {"text": {"fontUrl": "https://fonts.example/a.woff2"}},
        }));
        assert_eq!(theme.image_origins(), ["https://cdn.example", "https://dark.example:8443"]);
        assert_eq!(theme.font_origins(), ["https://fonts.example"]);
    }

    proptest! {
        /// Whatever is sent: it is refused, or what comes of it stays within its place in the style sheet.
        #[test]
        fn nothing_breaks_out_of_the_style_element(
            parts in prop::collection::vec(prop::sample::select(vec![
                "https://a.example/", "#fff", "</style>", "<script>", "<!--", "-->", "\"", "'", ")", "(", "url(", ";", "}", "{", "\\", "\\22 ",
                "\n", "\r", "\u{c}", "\0", "/*", "*/", "@import", "expression(", "javascript:", "%22", "%3c/style%3e", "&quot;", "\u{2028}", "a",
            ]), 1..6),
            field in 0_usize..9,
        ) {
            let text = parts.concat();
            let value = match field {
                0 => json!({ "primaryColor": text }),
                1 => json!({"colors": { "link": text }}),
                2 => json!({ "logoUrl": text }),
                3 => json!({"pageBackground": { "backgroundImageUrl": text }}),
                4 => json!({"typography": {"text": { "fontUrl": text }}}),
                5 => json!({"typography": {"text": {"faces": [{"url": "https://a.example/", "weight": text}]}}}),
                6 => json!({"container": { "logoPosition": text }}),
                7 => json!({"borders": { "cardBorderRadius": text }}),
                _ => json!({ "name": text, "darkMode": {"logoUrl": "https://a.example/"} }),
            };
            if let Ok(theme) = Theme::read(value) {
                let css = theme.css();
                // A text in CSS ends at a quote, a line end or, by an escape, elsewhere; the element ends at `</`.
                prop_assert!(!css.contains(['<', '>', '\\', '\n', '\r', '\u{c}', '\0', '\'']), "{css}");
                prop_assert_eq!(css.matches('{').count(), css.matches('}').count(), "{}", &css);
                prop_assert_eq!(css.matches('"').count() % 2, 0, "{}", &css);
                for (at, _) in css.match_indices("url(") {
                    let inside = &css[at + 4..];
                    let end = inside[1..].find('"').expect("a closing quote") + 1;
                    prop_assert!(inside.starts_with("\"http") && inside[end..].starts_with("\")"), "{css}");
                }
            }
        }
    }
}
