//! Which texts of the hosted pages a tenant may put into its own words, and how (contract, M23-M25). All of it is
//! read from the messages themselves: a message that is written is one that can be overridden.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Pattern, PatternElement},
    parser,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Error,
    id::digest,
    messages::{Language, Words},
};

/// A tenant's own words, by the tag of a language and the id of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Overrides(BTreeMap<String, Words>);

impl Overrides {
    pub fn words(&self, language: Language) -> Option<&Words> {
        self.0.get(language.tag())
    }

    /// Refuses what the pages do not say, and words that do not fit; 400 that names the text to change.
    pub fn check(&self) -> Result<(), Error> {
        for (locale, words) in &self.0 {
            if !Language::ALL.into_iter().any(|known| known.tag() == locale) {
                let known = Language::ALL.map(Language::tag).join(", ");
                return Err(Error::Invalid(format!("messageOverrides.{}: the pages speak {known}.", shown(locale))));
            }
            for (id, text) in words {
                let wrong = |why: &str| Error::Invalid(format!("messageOverrides.{locale}.{}: {why}.", shown(id)));
                let point = CATALOG.points.iter().find(|point| point.public_id == *id);
                let point = point.ok_or_else(|| {
                    wrong("there is no such text; GET /v1/management/message-overrides/catalog lists those that there are")
                })?;
                point.check(text).map_err(|why| wrong(&why))?;
            }
        }
        Ok(())
    }
}

/// A name from outside in a message: quoted where it is not plain, and short.
fn shown(name: &str) -> String {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let shown = if is_plain { name.to_owned() } else { format!("{name:?}") };
    shown.chars().take(80).collect()
}

/// All texts of the pages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// A version that changes when any text changes.
    pub catalog_version: String,
    pub screens: Vec<Screen>,
    pub points: Vec<Point>,
}

/// A page, or a part of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Screen {
    pub id: String,
    pub label: String,
    /// `challenge`, `enrollment`, `settings` or `common`.
    pub family: &'static str,
}

/// A text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    pub public_id: String,
    /// The id of its screen.
    pub screen: String,
    /// `heading`, `button`, `link`, `label`, `hint`, `alt`, `status`, `error` or `text`.
    pub role: String,
    /// The part of the screen that it belongs to.
    pub item: String,
    pub label: String,
    pub products: [&'static str; 1],
    /// The longest text, in characters.
    pub max_length: usize,
    /// The placeholders that the text may have, written `{name}`.
    pub allowed_placeholders: BTreeSet<String>,
    /// The tags that the text may have: none.
    pub allowed_tags: [&'static str; 0],
    /// The text in each language. Where it depends on a number, the form for many.
    pub default_copy: BTreeMap<&'static str, String>,
}

impl Point {
    fn check(&self, text: &str) -> Result<(), String> {
        if text.trim().is_empty() {
            return Err("a text is not empty; leave it out to have ours".into());
        }
        if text.chars().count() > self.max_length {
            return Err(format!("it has more than {} characters", self.max_length));
        }
        if text.contains(['<', '>']) {
            return Err("tags are not allowed; leave out < and >".into());
        }
        if text.chars().any(char::is_control) {
            return Err("it holds a control character".into());
        }
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let name = rest[at..].strip_prefix('{').and_then(|after| after.split_once('}'));
            match name {
                Some((name, after)) if self.allowed_placeholders.contains(name) => rest = after,
                _ => return Err(self.wrong_placeholder()),
            }
        }
        Ok(())
    }

    fn wrong_placeholder(&self) -> String {
        let allowed = self.allowed_placeholders.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
        match allowed.as_str() {
            "" => "no placeholder is allowed; leave out { and }".into(),
            allowed => format!("the only placeholders allowed are {allowed}"),
        }
    }
}

/// The longest that a text of a role may be, in characters: what stays in its place on a page 320 px wide.
fn max_length(role: &str) -> usize {
    match role {
        "button" | "label" => 60,
        "heading" | "link" => 100,
        "hint" | "alt" | "status" | "error" => 240,
        _ => 400,
    }
}

fn family(screen: &str) -> &'static str {
    match screen {
        "challenge" | "waiting-for-a-phone" => "challenge",
        "set-up" | "set-up-an-app" | "pair-a-phone" | "recovery-codes" => "enrollment",
        "settings" | "activity" | "methods" => "settings",
        _ => "common",
    }
}

/// What there is to override, as the files of messages say it.
pub fn catalog() -> &'static Catalog {
    &CATALOG
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(read);

fn read() -> Catalog {
    let mut catalog = Catalog {
        catalog_version: digest(&Language::ALL.map(|language| language.source().as_bytes()))[..16].to_owned(),
        screens: Vec::new(),
        points: Vec::new(),
    };
    for language in Language::ALL {
        // The tests of `messages` read every file; what a parser does not understand is no message.
        let messages = parser::parse(language.source()).unwrap_or_else(|(read, _)| read);
        for entry in messages.body {
            match entry {
                Entry::GroupComment(comment) if language == Language::English => {
                    let name = comment.content.first().and_then(|line| line.strip_prefix("screen: "));
                    catalog.screens.extend(name.map(screen));
                }
                Entry::Message(message) => {
                    let Some(value) = message.value else { continue };
                    catalog.take(language, message.id.name, &value);
                }
                _ => {}
            }
        }
    }
    catalog
}

impl Catalog {
    fn take(&mut self, language: Language, id: &str, value: &Pattern<&str>) {
        if language == Language::English {
            let screen = self.screens.last().map(|screen| screen.id.clone()).unwrap_or_default();
            self.points.push(point(screen, id, value));
        }
        if let Some(point) = self.points.iter_mut().find(|point| point.public_id == id) {
            let mut copy = String::new();
            write_copy(&mut copy, value);
            point.default_copy.insert(language.tag(), copy);
        }
    }
}

fn screen(name: &str) -> Screen {
    let id = name.replace(' ', "-");
    Screen { family: family(&id), label: sentence(name), id }
}

fn point(screen: String, id: &str, value: &Pattern<&str>) -> Point {
    let (item, role) = id.rsplit_once('-').unwrap_or((id, "text"));
    let mut allowed_placeholders = BTreeSet::new();
    placeholders(&mut allowed_placeholders, value);
    Point {
        public_id: id.to_owned(),
        screen,
        role: role.to_owned(),
        item: item.to_owned(),
        label: sentence(&id.replace('-', " ")),
        products: ["prebuilt_ui"],
        max_length: max_length(role),
        allowed_placeholders,
        allowed_tags: [],
        default_copy: BTreeMap::new(),
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The names that a message is given.
fn placeholders(names: &mut BTreeSet<String>, value: &Pattern<&str>) {
    for element in &value.elements {
        match element {
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => {
                names.insert(id.name.to_owned());
            }
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                if let InlineExpression::VariableReference { id } = selector {
                    names.insert(id.name.to_owned());
                }
                variants.iter().for_each(|variant| placeholders(names, &variant.value));
            }
            _ => {}
        }
    }
}

/// A message as a tenant would write it.
fn write_copy(copy: &mut String, value: &Pattern<&str>) {
    for element in &value.elements {
        match element {
            PatternElement::TextElement { value } => copy.push_str(value),
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => {
                copy.extend(["{", id.name, "}"]);
            }
            PatternElement::Placeable { expression: Expression::Inline(InlineExpression::StringLiteral { value }) } => {
                copy.push_str(value);
            }
            PatternElement::Placeable { expression: Expression::Select { variants, .. } } => {
                variants.iter().filter(|variant| variant.default).for_each(|variant| write_copy(copy, &variant.value));
            }
            PatternElement::Placeable { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_what_the_files_say() {
        let catalog = catalog();
        assert!(catalog.points.len() > 100 && catalog.screens.len() >= 10, "{}", catalog.points.len());
        let roles = ["heading", "button", "link", "label", "hint", "alt", "status", "error", "text"];
        for point in &catalog.points {
            assert!(roles.contains(&point.role.as_str()), "{}", point.public_id);
            assert!(catalog.screens.iter().any(|screen| screen.id == point.screen), "{}", point.public_id);
            assert_eq!(point.default_copy.len(), Language::ALL.len(), "{}", point.public_id);
            for (locale, copy) in &point.default_copy {
                assert_eq!(point.check(copy), Ok(()), "{locale}: {} would not pass itself", point.public_id);
            }
        }
        let left = catalog.points.iter().find(|point| point.public_id == "attempts-left-hint").unwrap();
        assert_eq!(left.allowed_placeholders, ["left".to_owned()].into());
        assert_eq!(left.default_copy["en"], "{left} attempts are left.");
        assert_eq!((left.screen.as_str(), left.item.as_str()), ("challenge", "attempts-left"));
    }

    #[test]
    fn own_words_are_checked_by_name() {
        let overrides = |locale: &str, id: &str, text: &str| {
            Overrides([(locale.to_owned(), Words::from([(id.to_owned(), text.to_owned())]))].into())
        };
        for good in ["Hello", "{tenant} greets you", "{tenant} and {tenant}", "\u{623}\u{647}\u{644}\u{627}"] {
            assert!(overrides("ar", "challenge-code-text", good).check().is_ok(), "{good}");
        }
        for (locale, id, text) in [
            ("xx", "challenge-code-text", "Hello"),
            ("en-GB", "challenge-code-text", "Hello"),
            ("en", "no-such-text", "Hello"),
            ("en", "challenge-code-text", ""),
            ("en", "challenge-code-text", " "),
            ("en", "challenge-code-text", "{name}"),
            ("en", "challenge-code-text", "{ $tenant }"),
            ("en", "challenge-code-text", "{tenant"),
            ("en", "challenge-code-text", "tenant}"),
            ("en", "challenge-code-text", "{{tenant}}"),
            ("en", "challenge-continue-button", "{tenant}"),
            ("en", "challenge-continue-button", "<b>Go</b>"),
            ("en", "challenge-continue-button", "Go\u{0}"),
            ("en", "challenge-continue-button", &"G".repeat(61)),
        ] {
            let refused = overrides(locale, id, text).check().map_err(|error| error.to_string()).expect_err(text);
            assert!(refused.starts_with(&format!("messageOverrides.{locale}")), "{refused}");
        }
    }
}
