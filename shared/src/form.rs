//! What a form of a hosted page carries, so that it is ours and counts once.
//!
//! A form carries the user's token, which no other site has. The seal says more: that this very
//! page was given out for this very action, and, once it is spent, that a second click, a reload or a form that comes
//! back from the browser's history does nothing twice.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::BASE64URL_NOPAD;

use crate::{
    app::{App, UserCaller},
    clock::Timestamp,
    error::Error,
    id::{digest, length_prefixed},
    secret::random,
};

const NONCE: usize = 16;

/// A new seal for a form of the page that this caller sees; good for as long as the token is.
pub async fn seal(app: &App, caller: &UserCaller) -> Result<String, Error> {
    let nonce = random::<NONCE>()?;
    let keys = app.signing_keys(&caller.tenant).await?;
    // The newest key may be another one when the form comes back, so every key opens it.
    let key = keys.last().ok_or_else(|| Error::unavailable("the tenant has no token key"))?;
    Ok(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &key.seal(&statement(caller, &nonce))].concat()))
}

/// A form that was sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    pub seal: &'a str,
    /// When it was sent first, where that was before: it changes nothing once more.
    pub before: Option<Timestamp>,
}

impl Sent<'_> {
    pub fn is_again(&self) -> bool {
        self.before.is_some()
    }
}

/// A form of this action, which is spent by this call. 403 where the seal is not ours.
///
/// One round trip. A crash after it leaves a form that does nothing: the page is shown as things stand then.
pub async fn spend<'a>(app: &App, caller: &UserCaller, seal: &'a str, now: Timestamp) -> Result<Sent<'a>, Error> {
    let not_ours = || Error::Forbidden("The form is not one of this page. Reload the page and try again.".into());
    let sealed = BASE64URL_NOPAD.decode(seal.as_bytes()).map_err(|_| not_ours())?;
    let (nonce, mac) = sealed.split_at_checked(NONCE).ok_or_else(not_ours)?;
    let said = statement(caller, nonce);
    let keys = app.signing_keys(&caller.tenant).await?;
    if !keys.iter().any(|key| verify_slices_are_equal(&key.seal(&said), mac).is_ok()) {
        return Err(not_ours());
    }
    let (user, uid) = (&caller.claims.sub, &caller.claims.other.user_uid);
    // The table has no seal, which recovery codes may follow from.
    let form = &digest(&[nonce])[..32];
    let before = app.store().tenant(caller.tenant.id()).spend_form(user, uid, form, now).await?;
    Ok(Sent { seal, before })
}

/// What is sealed of a form. No token begins like this, because tokens are text.
fn statement(caller: &UserCaller, nonce: &[u8]) -> Vec<u8> {
    let claims = &caller.claims;
    length_prefixed(&[
        b"countersign/form",
        claims.other.user_uid.as_str().as_bytes(),
        claims.jti.as_str().as_bytes(),
        nonce,
    ])
}
