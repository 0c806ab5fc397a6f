//! What comes next in a visit. The pages answer with this value and `lib.rs` dispatches it, because one page leads to
//! another in every direction: a challenge to set-up, set-up to a phone, a phone back to the challenge.

use axum::response::{IntoResponse, Redirect, Response};

use crate::{visit::Visit, way::Way};

/// What is to be shown or done next.
pub(crate) enum Next {
    /// This page, or this redirect.
    Show(Response),
    /// The page for the state of the action; of several ways to answer the wanted one.
    Challenge { wanted: Option<Way>, problem: Vec<String> },
    /// The page of a way whose guesses are spent, in place of its form.
    Locked { way: Way, problem: Vec<String> },
    /// The same of the first code of an app.
    SetUpLocked { problem: Vec<String> },
    /// A question to the user's phones.
    AskPhones,
    /// The page that waits for the answer to such a question.
    AwaitPhones,
    /// The page that sets up what is wanted, or the first that is offered.
    SetUp { wanted: Option<Way>, problem: Vec<String> },
    /// The page that offers everything that may be set up.
    Choose { problem: Vec<String> },
    /// A link for a phone. `was` says why it takes the place of another; empty for the first.
    Pair { was: String },
}

impl Next {
    /// The page for the state of the action, with one line about what went wrong.
    pub(crate) fn challenge_again(way: Way, problem: String) -> Self {
        Self::Challenge { wanted: Some(way), problem: vec![problem] }
    }

    /// Another address of this visit.
    pub(crate) fn go_to(visit: &Visit, path: &str, more: &[(&str, &str)]) -> Self {
        Redirect::to(&visit.link(path, more)).into_response().into()
    }
}

impl From<Response> for Next {
    fn from(response: Response) -> Self {
        Self::Show(response)
    }
}
