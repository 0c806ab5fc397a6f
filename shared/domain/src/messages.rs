//! What the hosted pages say, in the language of the person who reads it (Project Fluent), and in the tenant's own
//! words where it has some (contract, M23-M25).

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Portuguese,
    Japanese,
    Arabic,
}

impl Language {
    pub const ALL: [Self; 7] =
        [Self::English, Self::German, Self::French, Self::Spanish, Self::Portuguese, Self::Japanese, Self::Arabic];

    /// Its tag (BCP 47), as in `lang` of a page.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Japanese => "ja",
            Self::Arabic => "ar",
        }
    }

    /// Which way it is written, as in `dir` of a page.
    pub fn direction(self) -> &'static str {
        if self == Self::Arabic { "rtl" } else { "ltr" }
    }

    /// The messages in this language, in Fluent's format.
    pub fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../../locales/en.ftl"),
            Self::German => include_str!("../../locales/de.ftl"),
            Self::French => include_str!("../../locales/fr.ftl"),
            Self::Spanish => include_str!("../../locales/es.ftl"),
            Self::Portuguese => include_str!("../../locales/pt.ftl"),
            Self::Japanese => include_str!("../../locales/ja.ftl"),
            Self::Arabic => include_str!("../../locales/ar.ftl"),
        }
    }

    /// The language of a tag such as `de-CH`, `de_CH` or `pt`; `None` for one that the pages do not speak.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let wanted: LanguageIdentifier = tag.trim().parse().ok()?;
        Self::ALL.into_iter().find(|known| known.tag() == wanted.language.as_str())
    }

    /// The first that the pages speak of some tags, and of an `Accept-Language` after them (RFC 9110, section 12.5.4:
    /// by weight, then as they stand); English where there is none.
    pub fn negotiate<'a>(tags: impl IntoIterator<Item = &'a str>, accept_language: &str) -> Self {
        if let Some(told) = tags.into_iter().find_map(Self::of_tag) {
            return told;
        }
        // More than any browser sends is not looked at.
        let mut accepted: Vec<(&str, f32)> = accept_language.split(',').take(32).filter_map(weighted).collect();
        accepted.sort_by(|(_, one), (_, two)| two.total_cmp(one));
        accepted.into_iter().find_map(|(tag, _)| Self::of_tag(tag)).unwrap_or(Self::English)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: [LazyLock<FluentBundle<FluentResource>>; 7] = [
            LazyLock::new(|| Language::English.read()),
            LazyLock::new(|| Language::German.read()),
            LazyLock::new(|| Language::French.read()),
            LazyLock::new(|| Language::Spanish.read()),
            LazyLock::new(|| Language::Portuguese.read()),
            LazyLock::new(|| Language::Japanese.read()),
            LazyLock::new(|| Language::Arabic.read()),
        ];
        &BUNDLES[self as usize]
    }

    fn read(self) -> FluentBundle<FluentResource> {
        let tag = self.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Marks around what is filled in keep a Latin name whole within Arabic. In other languages they would only get
        // into texts that people copy.
        bundle.set_use_isolating(self.direction() == "rtl");
        // The tests read every file, and find what is wrong with one.
        let messages = FluentResource::try_new(self.source().to_owned()).unwrap_or_else(|(read, _)| read);
        let _ = bundle.add_resource(messages);
        bundle
    }
}

/// A tag of `Accept-Language` with its weight; `None` for what is not wanted.
fn weighted(range: &str) -> Option<(&str, f32)> {
    let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok()).unwrap_or(0.0);
    (weight > 0.0).then_some((tag, weight))
}

/// A tenant's own words, by message id: placeholders are written `{name}`.
pub type Words = BTreeMap<String, String>;

/// The messages in one language, for one tenant.
#[derive(Clone, Copy)]
pub struct Messages<'a> {
    language: Language,
    own: Option<&'a Words>,
}

impl<'a> Messages<'a> {
    pub fn new(language: Language, own: Option<&'a Words>) -> Self {
        Self { language, own }
    }

    pub fn language(&self) -> Language {
        self.language
    }

    /// A message that has nothing to fill in. One that does not exist shows as its id, which a test looks for.
    pub fn text(&self, id: &str) -> String {
        self.fill(id, &[])
    }

    /// A message with one name filled in.
    pub fn with(&self, id: &str, name: &str, value: &str) -> String {
        self.fill(id, &[(name, value.into())])
    }

    /// A message with two names filled in.
    pub fn with_both(&self, id: &str, (one, first): (&str, &str), (two, second): (&str, &str)) -> String {
        self.fill(id, &[(one, first.into()), (two, second.into())])
    }

    /// A message with one number filled in, in the form that the number asks for.
    pub fn count(&self, id: &str, name: &str, number: u64) -> String {
        self.fill(id, &[(name, number.into())])
    }

    fn fill(&self, id: &str, given: &[(&str, FluentValue<'_>)]) -> String {
        if let Some(own) = self.own.and_then(|own| own.get(id)) {
            return fill_in(own, given);
        }
        let bundle = self.language.bundle();
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { return id.to_owned() };
        let arguments: FluentArgs<'_> = given.iter().map(|(name, value)| (*name, value.clone())).collect();
        let text: Cow<'_, str> = bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new());
        text.into_owned()
    }
}

/// A tenant's words with each `{name}` filled in, in one pass: what was filled in is not looked at again.
fn fill_in(own: &str, given: &[(&str, FluentValue<'_>)]) -> String {
    let mut text = String::with_capacity(own.len());
    let mut rest = own;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            let value = given.iter().find(|(known, _)| *known == name).map(|(_, value)| value)?;
            Some((value, after))
        });
        match known {
            Some((FluentValue::Number(value), after)) => {
                text.push_str(&value.as_string());
                rest = after;
            }
            Some((FluentValue::String(value), after)) => {
                text.push_str(value);
                rest = after;
            }
            _ => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ids of a file with the names that each is given.
    fn shape(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut shape = BTreeMap::new();
        let mut id = String::new();
        for line in language.source().lines() {
            if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '#'])) {
                id = name.to_owned();
                assert!(shape.insert(id.clone(), BTreeSet::new()).is_none(), "{language:?}: {id} stands twice");
            }
            let names = line.split('$').skip(1);
            let names = names.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
            shape.entry(id.clone()).or_insert_with(BTreeSet::new).extend(names);
        }
        shape
    }

    #[test]
    fn every_language_says_the_same() {
        let english = shape(Language::English);
        assert!(english.len() > 80);
        for language in Language::ALL {
            let parsed = FluentResource::try_new(language.source().to_owned());
            assert!(parsed.is_ok(), "{language:?}: {:?}", parsed.err().map(|(_, errors)| errors));
            let own = shape(language);
            assert_eq!(own.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
            for (id, names) in &english {
                assert_eq!(&own[id], names, "{language:?}: {id}");
            }
        }
    }

    #[test]
    fn languages_are_told_by_track_then_user_then_browser() {
        for (tags, header, expected) in [
            (vec![], "", Language::English),
            (vec!["de-CH"], "fr", Language::German),
            (vec!["xx", "pt_BR"], "fr", Language::Portuguese),
            (vec![], "fr-CA,fr;q=0.9,en;q=0.8", Language::French),
            (vec![], "en;q=0.1, ja;q=0.9", Language::Japanese),
            (vec![], "de;q=0, ar", Language::Arabic),
            (vec!["\u{0}", "<script>"], "*;q=0.5, ,;;q", Language::English),
        ] {
            assert_eq!(Language::negotiate(tags, header), expected, "{header}");
        }
    }

    #[test]
    fn numbers_choose_the_form_and_names_are_filled_in() {
        let english = Messages::new(Language::English, None);
        assert_eq!(english.count("attempts-left-hint", "left", 1), "One attempt is left.");
        assert_eq!(english.count("attempts-left-hint", "left", 3), "3 attempts are left.");
        assert_eq!(english.with("settings-remove-heading", "name", "My phone"), "Remove My phone?");
        assert_eq!(english.text("no-such-message"), "no-such-message");
    }

    #[test]
    fn a_tenants_own_words_come_first() {
        let own = Words::from([("settings-remove-heading".to_owned(), "Bye, {name}!".to_owned())]);
        let messages = Messages::new(Language::English, Some(&own));
        assert_eq!(messages.with("settings-remove-heading", "name", "{name} & <b>"), "Bye, {name} & <b>!");
        assert_eq!(messages.text("challenge-continue-button"), "Continue");
    }
}
