//! Telling a user's other devices that something about their account has changed: whoever did not do it, learns of it.

use crate::{
    app::{App, UserCaller},
    challenge::{Challenge, Kind, Subject},
    clock::Timestamp,
    delivery::Delivery,
    error::Error,
    id::AuthenticatorId,
    method::Method,
    user::User,
};

/// After an hour it is no news.
const SECONDS: i64 = 3600;

/// Pushes a notice to each of the user's devices but one. Best effort, after the change: a queue that is away must keep
/// nobody from removing a phone that was stolen.
pub async fn tell_others(app: &App, caller: &UserCaller, user: &User, but: Option<&AuthenticatorId>, now: Timestamp) {
    let told = user.devices(Method::Push).filter(|id| Some(*id) != but && !user.unreachable.contains(id));
    let told: Vec<&AuthenticatorId> = told.collect();
    if told.is_empty() {
        return;
    }
    if let Err(error) = send(app, caller, user, &told, now).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        tracing::warn!(event = "notice_not_sent", tenant = %caller.tenant.id(), user = %user.uid, cause);
    }
}

/// A notice is a challenge that nobody can answer, so that its way to the device is the same.
async fn send(
    app: &App,
    caller: &UserCaller,
    user: &User,
    told: &[&AuthenticatorId],
    now: Timestamp,
) -> Result<(), Error> {
    let tenant = caller.tenant.id();
    let mut notice = Challenge::new(Kind::Notice, now, SECONDS);
    notice.subject = Some(Subject { user: user.id.clone(), uid: user.uid.clone() });
    app.store().tenant(tenant).ask(&notice).await?;
    let messages: Vec<Delivery> = told
        .iter()
        .map(|id| Delivery {
            version: Delivery::VERSION,
            tenant_id: tenant.clone(),
            challenge_id: notice.id.clone(),
            user_authenticator_id: (*id).clone(),
            enqueued_at: now.as_second(),
            expires_at: notice.expires_at.as_second(),
        })
        .collect();
    app.outbox().send(&messages).await.map(|_| ())
}
