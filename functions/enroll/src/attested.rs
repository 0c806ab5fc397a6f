//! Authenticators that the backend has verified by its own means (contract, S7). Here and not in the directory,
//! because sealing a secret needs the keys that only enrolling and verifying may use.

use axum::{Json, extract::State};
use countersign_core::{
    account, admission,
    app::{App, TenantContext},
    authenticator::{Authenticator, UseSoFar},
    error::Error,
    happened::Event,
    http::{Body, Path, Reply, ServerCaller, UserAuthenticator},
    id::{AuthenticatorId, UserId},
    method::{
        Method,
        totp::{Owner, TotpSecret},
    },
    notice::{self, Concerned},
    store::{Added, NewAuthenticator, SpentSteps},
    user::{MAX_CONTACT, User, is_contact},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An authenticator that the backend has verified by its own means (contract, S7).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollRequest {
    /// `AUTHENTICATOR_APP`, `SMS`, `EMAIL_OTP` or `EMAIL_MAGIC_LINK`.
    verification_method: Method,
    /// For `SMS`.
    #[serde(default)]
    phone_number: Option<String>,
    /// For the e-mail methods.
    #[serde(default)]
    email: Option<String>,
    /// For `AUTHENTICATOR_APP`: the secret that the user's app already has.
    #[serde(default)]
    otp_uri: Option<String>,
    #[serde(default)]
    is_default: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollResponse {
    authenticator: UserAuthenticator,
    /// For the user to keep, shown this once: with what is first enrolled, where the tenant uses them; else empty.
    recovery_codes: Vec<String>,
}

/// Enrol an authenticator that needs no further proof. The user is made where it is new; the same secret or address
/// twice is the same authenticator.
#[utoipa::path(post, path = "/v1/users/{userId}/authenticators", tag = "Server API", operation_id = "enrollVerifiedAuthenticator",
    params(("userId" = String, Path)), request_body = EnrollRequest,
    responses((status = 200, body = EnrollResponse)), security(("secretKey" = [])))]
pub(crate) async fn enroll(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
    Body(request): Body<EnrollRequest>,
) -> Reply<EnrollResponse> {
    let asked = CheckedEnrolment::new(request)?;
    admission::is_active(&tenant, asked.method)?;
    let store = app.store().tenant(tenant.id());
    for _ in 0..4 {
        let (known, spent) = store.user_and_spent(&id).await?;
        let is_new = known.is_none();
        let mut user = known.unwrap_or_else(|| tenant.new_user(id.clone(), app.now()));
        let new = asked.authenticator(&app, &tenant, &user, &spent).await?;
        // Most likely the same call again, after a lost answer.
        if let Some(existing) = store.authenticators(&user).await?.iter().find(|one| asked.is(one, &new.description)) {
            let authenticator = UserAuthenticator::listed(&user, existing);
            return Ok(Json(EnrollResponse { authenticator, recovery_codes: Vec::new() }));
        }
        if store.add_authenticator(&user, is_new, &new, &spent, asked.is_default).await? == Added::Stale {
            asked.check_room(&user)?;
            continue;
        }
        if asked.is_default {
            user.default_method = Some(new.description.method);
        }
        let mut authenticator = UserAuthenticator::enrolled(&id, &new.description);
        authenticator.is_default = Some(asked.is_default || !user.is_enrolled());
        tracing::info!(event = "authenticator_added", tenant = %tenant.id(), user = %user.uid, authenticator = %new.description.id);
        let recovery_codes = account::recovery_codes_of_backend(&app, &tenant, &user, app.now()).await?;
        return Ok(Json(EnrollResponse { authenticator, recovery_codes }));
    }
    Err(Error::unavailable("the user kept changing"))
}

/// A request that has been checked.
struct CheckedEnrolment {
    method: Method,
    email: Option<String>,
    phone_number: Option<String>,
    secret: Option<TotpSecret>,
    is_default: bool,
}

impl CheckedEnrolment {
    fn new(request: EnrollRequest) -> Result<Self, Error> {
        // Also the one that the method does not need: it may be meant for another method.
        if [&request.phone_number, &request.email].into_iter().flatten().any(|text| !is_contact(text.trim())) {
            return Err(Error::Invalid(format!(
                "phoneNumber and email have at most {MAX_CONTACT} bytes and no control characters."
            )));
        }
        let needed = |name: &str, text: Option<String>| {
            let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty() && is_contact(text));
            text.ok_or_else(|| {
                let method = request.verification_method.as_str();
                Error::Invalid(format!(
                    "{name}: {method} needs it, with 1 to {MAX_CONTACT} bytes and no control characters."
                ))
            })
        };
        let mut asked = Self {
            method: request.verification_method,
            email: None,
            phone_number: None,
            secret: None,
            is_default: request.is_default.unwrap_or(false),
        };
        match request.verification_method {
            Method::AuthenticatorApp => {
                let uri = request.otp_uri.ok_or_else(|| Error::invalid("otpUri: AUTHENTICATOR_APP needs it."))?;
                let secret = TotpSecret::from_uri(&uri).map_err(|why| Error::Invalid(format!("otpUri {why}.")))?;
                asked.secret = Some(secret);
            }
            Method::Sms => asked.phone_number = Some(needed("phoneNumber", request.phone_number)?),
            Method::EmailOtp | Method::EmailMagicLink => asked.email = Some(needed("email", request.email)?),
            other => {
                return Err(Error::Invalid(format!(
                    "verificationMethod: {} cannot be enrolled by a backend; send AUTHENTICATOR_APP, SMS, EMAIL_OTP or EMAIL_MAGIC_LINK.",
                    other.as_str()
                )));
            }
        }
        Ok(asked)
    }

    /// Whether this is the authenticator asked for: the same secret, or the same address.
    fn is(&self, one: &Authenticator, asked: &Authenticator) -> bool {
        let same_address =
            (one.method, &one.email, &one.phone_number) == (asked.method, &asked.email, &asked.phone_number);
        one.id == asked.id || self.secret.is_none() && same_address
    }

    async fn authenticator(
        &self,
        app: &App,
        tenant: &TenantContext,
        user: &User,
        spent: &SpentSteps,
    ) -> Result<NewAuthenticator, Error> {
        let now = app.now();
        let (id, sealed, last_step) = match &self.secret {
            Some(secret) => {
                let key = app.data_key(tenant).await?;
                let id = secret.authenticator_id(&key, &user.uid);
                let owner = Owner { tenant: tenant.id(), user: &user.id, authenticator: &id };
                let sealed = secret.seal(&key, &owner)?;
                let last_step = spent.last_step(|life| secret.authenticator_id(&key, life), now);
                (id, Some(sealed), last_step)
            }
            None => (AuthenticatorId::generate(), None, 0),
        };
        let description = Authenticator {
            id,
            user_uid: user.uid.clone(),
            method: self.method,
            created_at: now,
            verified_at: now,
            name: None,
            email: self.email.clone(),
            phone_number: self.phone_number.clone(),
            device: None,
            use_so_far: UseSoFar::default(),
        };
        let (concerned, event) = (Concerned { user, but: None }, Event::Added { name: description.called() });
        let notice = notice::announce(app, tenant, &concerned, &event, now).await;
        Ok(NewAuthenticator { description, sealed, last_step, notice })
    }

    fn check_room(&self, user: &User) -> Result<(), Error> {
        use countersign_core::user::{MAX_AUTHENTICATORS, MAX_TOTP};
        let (have, most) = match self.secret {
            Some(_) => (user.totp.len(), MAX_TOTP),
            None => (user.secretless.len(), MAX_AUTHENTICATORS - MAX_TOTP),
        };
        if have < most {
            return Ok(());
        }
        Err(Error::Conflict(format!("The user has {most} authenticators of this kind already; remove one first.")))
    }
}
