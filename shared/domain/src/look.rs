//! What makes a tenant's hosted pages its own: the theme, and the texts in its own words.

use crate::{
    messages::{Language, Messages, Words},
    theme::Theme,
    wording::Overrides,
};

/// A tenant's theme and texts.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub theme: Theme,
    pub overrides: Overrides,
}

impl Look {
    /// The tenant's own words in a language, where it has some.
    pub fn words(&self, language: Language) -> Option<&Words> {
        self.overrides.words(language)
    }

    /// What the pages say in a language.
    pub fn messages(&self, language: Language) -> Messages<'_> {
        Messages::new(language, self.words(language))
    }
}
