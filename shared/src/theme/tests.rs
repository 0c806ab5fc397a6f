use proptest::prelude::*;
use serde_json::json;

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
