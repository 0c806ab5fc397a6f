//! What makes a tenant's hosted pages its own: the theme, and the texts in its own words.

use crate::theme::Theme;

/// A tenant's theme and texts.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub theme: Theme,
}
