//! Shapes that more than one function sends.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authenticator::{Authenticator, Method},
    clock::{Timestamp, iso},
    id::UserId,
    user::User,
};

/// An authenticator of a user (contract, section 1.2, `UserAuthenticator`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAuthenticator {
    pub user_id: String,
    pub user_authenticator_id: String,
    pub verification_method: Method,
    /// ISO 8601, UTC.
    pub created_at: String,
    pub verified_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_verified_at: Option<String>,
    /// Whether its method is the user's default, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl UserAuthenticator {
    /// An authenticator in the list of its user.
    pub fn listed(user: &User, authenticator: &Authenticator) -> Self {
        let last = user.totp.get(&authenticator.id).map(|credential| credential.spent.at).filter(|at| *at > 0);
        let last = last.and_then(|at| Timestamp::from_second(at).ok());
        Self {
            last_verified_at: last.map(iso),
            is_default: Some(user.default_method() == Some(authenticator.method)),
            ..Self::enrolled(&user.id, authenticator)
        }
    }

    /// An authenticator that was enrolled this moment.
    pub fn enrolled(user: &UserId, authenticator: &Authenticator) -> Self {
        Self {
            user_id: user.to_string(),
            user_authenticator_id: authenticator.id.to_string(),
            verification_method: authenticator.method,
            created_at: iso(authenticator.created_at),
            verified_at: iso(authenticator.verified_at),
            last_verified_at: None,
            is_default: None,
            phone_number: authenticator.phone_number.clone(),
            email: authenticator.email.clone(),
            display_name: authenticator.name.clone(),
        }
    }
}
