//! Approval on a phone, from the page: always with the number (NIST SP 800-63B, 3.1.3), because whoever has the password
//! would otherwise need one tap of somebody else.

use axum::response::{IntoResponse, Redirect, Response};
use countersign_core::{
    app::App,
    error::Error,
    id::ChallengeId,
    push::{self, Standing},
};

use crate::{
    Visit,
    pages::{Page, PageError},
};

/// Asks the user's phones, and goes on to wait for them.
pub(crate) async fn ask(app: &App, visit: &Visit) -> Result<Response, PageError> {
    match push::ask(app, &visit.caller, (None, true), app.now()).await {
        // Another address, so that a reload asks nobody again.
        Ok(asked) => {
            let (token, challenge) = (&visit.token, asked.challenge);
            Ok(Redirect::to(&format!("/challenge?token={token}&challenge={challenge}")).into_response())
        }
        Err(Error::TooManyRequests { retry_after }) => {
            let minutes = retry_after.as_secs().div_ceil(60);
            let text = format!("Your phone was asked often. Wait {minutes} min, or use another way.");
            visit.page(app, Some(&text)).await
        }
        Err(Error::Forbidden(_) | Error::Invalid(_)) => {
            visit.page(app, Some("Your phone cannot be asked for this. Use another way.")).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Shows how the question stands.
pub(crate) async fn wait(app: &App, visit: &Visit, challenge: String) -> Result<Response, PageError> {
    let unknown = "This question to your phone is over. Ask again, or use another way.";
    let Ok(id) = ChallengeId::parse(challenge) else { return visit.page(app, Some(unknown)).await };
    let standing = match push::standing(app, &visit.caller, &id, app.now()).await {
        Ok(standing) => standing,
        Err(Error::NotFound(_)) => return visit.page(app, Some(unknown)).await,
        Err(other) => return Err(other.into()),
    };
    match standing {
        Standing::Pending { number } => Page::waiting(visit, number.as_deref(), visit.back()?),
        Standing::Approved { token } => visit.verified(&token),
        Standing::Rejected => visit.page(app, Some("It was denied on your phone.")).await,
        Standing::Expired => visit.page(app, Some("Nobody answered on your phone in time. Ask again.")).await,
    }
}
