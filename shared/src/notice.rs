//! Telling a user's other devices what happened to the account, so that whoever did not do it learns of it (NIST SP
//! 800-63B, section 4.1.2).
//!
//! The messages are taken before the change is written, and the notice is an item of that very write: a change that was
//! acknowledged has its messages, and one that was not written leaves messages that find nothing and are dropped.

use crate::{
    app::{App, TenantContext},
    challenge::{Challenge, Kind, Subject},
    clock::Timestamp,
    delivery::Delivery,
    error::Error,
    happened::Event,
    id::AuthenticatorId,
    method::Method,
    user::User,
};

/// How long a notice is worth sending: after an hour it is no news.
const SECONDS: i64 = 3600;

/// Whose devices are told.
pub struct Concerned<'a> {
    pub user: &'a User,
    /// The authenticator that did it, or that it is about; it is not told.
    pub but: Option<&'a AuthenticatorId>,
}

/// Sends a notice of what is about to be written to each of the user's devices but one; gives the notice, to be written
/// with it. `None` where there is nobody to tell, or the queue takes nothing: that must keep nobody from removing a phone
/// that was stolen.
pub async fn announce(
    app: &App,
    tenant: &TenantContext,
    concerned: &Concerned<'_>,
    event: &Event,
    now: Timestamp,
) -> Option<Challenge> {
    let Concerned { user, but } = *concerned;
    let told = user.devices(Method::Push).filter(|id| Some(*id) != but && !user.unreachable.contains(id));
    let told: Vec<&AuthenticatorId> = told.collect();
    if told.is_empty() {
        return None;
    }
    let mut notice = Challenge::new(Kind::Notice, now, SECONDS);
    notice.subject = Some(Subject { user: user.id.clone(), uid: user.uid.clone() });
    match send(app, tenant, &notice, &told).await {
        Ok(()) => Some(notice),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(event = "notice_not_sent", of = event.name(), tenant = %tenant.id(), user = %user.uid, cause);
            None
        }
    }
}

/// A notice is a challenge that nobody can answer, so that its way to the device is the same.
async fn send(app: &App, tenant: &TenantContext, notice: &Challenge, told: &[&AuthenticatorId]) -> Result<(), Error> {
    let messages: Vec<Delivery> = told
        .iter()
        .map(|id| Delivery {
            version: Delivery::VERSION,
            tenant_id: tenant.id().clone(),
            challenge_id: notice.id.clone(),
            user_authenticator_id: (*id).clone(),
            enqueued_at: notice.created_at.as_second(),
            expires_at: notice.expires_at.as_second(),
        })
        .collect();
    app.outbox().send(&messages).await.map(|_| ())
}
