//! An app on the device answers the question that it began itself (contract, C1, C47).

use countersign_domain::action::About;

use super::{Answer, Answering, over, subject};
use crate::{
    action::State as ActionState,
    admission,
    app::{App, TenantContext},
    challenge::{Challenge, Kind},
    clock::Timestamp,
    error::Error,
    store::Credential,
    token::Claims,
};

/// A sign-in that a device made or answered.
pub struct SignedIn {
    pub credential: Credential,
    pub token: String,
}

/// Approves a challenge that the app on the device began itself (contract, C47), and gives a token for its action.
///
/// With `claims` the user is known and so is the action; without, the device says who signs in, and the approval
/// makes the action. 403 as for [`super::decide`].
pub async fn sign_in(
    app: &App,
    tenant: &TenantContext,
    claims: Option<&Claims>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<SignedIn, Error> {
    let keys = app.signing_keys(tenant).await?;
    let answering = Answering::of(app, tenant, Kind::InApp, answer, now).await?;
    let Answering { credential, challenge, .. } = &answering;
    let is_theirs = challenge.subject.as_ref().is_none_or(|subject| subject.uid == credential.uid);
    let about = match claims {
        // A challenge that was begun with a token is for that token's action alone. One that was begun without, as the
        // SDKs do, is for the action of the token that answers.
        Some(claims) if claims.other.user_uid == credential.uid && is_theirs && is_for(challenge, claims) => {
            admission::about(claims)
        }
        None if is_theirs && challenge.about.as_ref().is_none_or(|about| !about.is_tracked) => {
            named(app, tenant, credential, challenge).await?
        }
        _ => return Err(Error::InvalidCredential),
    };
    let (_, at) = answering.finish(&about).await?;
    let subject = subject(tenant, &credential.user, &credential.uid, &about);
    let token = tenant.success_token(keys, subject, about.id, at.unwrap_or(now), now)?;
    let token = token.ok_or_else(over)?;
    Ok(SignedIn { credential: answering.credential, token })
}

fn is_for(challenge: &Challenge, claims: &Claims) -> bool {
    challenge.about.as_ref().is_none_or(|about| about.id == claims.jti)
}

/// The action that an app named, as it was tracked before, or else to be made.
async fn named(
    app: &App,
    tenant: &TenantContext,
    credential: &Credential,
    challenge: &Challenge,
) -> Result<About, Error> {
    let about = challenge.about.clone().ok_or(Error::InvalidCredential)?;
    let decided = challenge.decided.as_ref().and_then(|decided| decided.action.as_ref());
    let store = app.store().tenant(tenant.id());
    let found = store.action(&store.action_key(&credential.user, &about.code, &about.key)).await?;
    // An action that an earlier life of the user, or the time before a reset, left under this name does not count.
    let Some(found) = found.filter(|found| found.user_uid == credential.uid) else { return Ok(about) };
    match found.state {
        ActionState::ChallengeRequired => Ok(About { id: found.id, is_tracked: true, ..about }),
        // The same answer again, after a lost reply.
        ActionState::ChallengeSucceeded if found.id == about.id || decided == Some(&found.id) => {
            Ok(About { is_tracked: found.id != about.id, id: found.id, ..about })
        }
        _ => Err(Error::Forbidden("The action needs no challenge, or it is over. Use a new idempotency key.".into())),
    }
}
