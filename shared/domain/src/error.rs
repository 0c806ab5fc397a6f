//! What can go wrong, in the words of the wire contract.

use std::time::Duration;

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A refused or failed request. `Display` is safe to send; `source()` is only logged.
///
/// A wrong code is not here: it is a verdict (`proof::Verdict`).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401 to the letter of the contract, section 1.0.
    #[error("The request is unauthorized. Check that your API key and region base URL are correctly configured.")]
    Unauthorized,
    /// 401 for a client call that needs a user token and got none, or one that nobody issued.
    #[error("{0}")]
    InvalidToken(String),
    /// 401 for a user token that was good and is over.
    #[error("The token has expired. Track the action again to get a new one.")]
    ExpiredToken,
    /// 401 for a client call with a tenant id where a user token is needed.
    #[error("This call needs a user token: send `Authorization: Bearer <token>` with the token that track returned.")]
    TokenRequired,
    #[error("{0}")]
    Forbidden(String),
    /// 403 for a device whose key or signature is not the one that may do this; says no more, so that nobody learns
    /// which challenges and keys exist.
    #[error("The key, its signature or the challenge is not known, or they do not belong together.")]
    InvalidCredential,
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    MethodNotAllowed(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("Too many requests. Try again in {} seconds.", .retry_after.as_secs())]
    TooManyRequests { retry_after: Duration },
    /// The store or a key cannot be reached: nothing is decided, so nothing is allowed.
    #[error("The service is temporarily unavailable. Try again in a moment.")]
    Unavailable(#[source] BoxError),
    #[error("Something went wrong on our side. Try again, and quote the time if it persists.")]
    Internal(#[source] BoxError),
}

impl Error {
    /// Every `errorCode` that there is, for the API description.
    pub const CODES: [&str; 15] = [
        "unauthorized",
        "invalid_token",
        "expired_token",
        "token_required",
        "forbidden",
        "invalid_credential",
        "invalid_request",
        "not_found",
        "method_not_allowed",
        "conflict",
        "request_too_large",
        "unsupported_media_type",
        "too_many_requests",
        "service_unavailable",
        "internal_error",
    ];

    /// HTTP status and `errorCode` of the contract, section 4.
    pub fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Unauthorized => (401, "unauthorized"),
            Self::InvalidToken(_) => (401, "invalid_token"),
            Self::ExpiredToken => (401, "expired_token"),
            Self::TokenRequired => (401, "token_required"),
            Self::Forbidden(_) => (403, "forbidden"),
            Self::InvalidCredential => (403, "invalid_credential"),
            Self::Invalid(_) => (400, "invalid_request"),
            Self::NotFound(_) => (404, "not_found"),
            Self::MethodNotAllowed(_) => (405, "method_not_allowed"),
            Self::Conflict(_) => (409, "conflict"),
            Self::TooLarge(_) => (413, "request_too_large"),
            Self::UnsupportedMediaType(_) => (415, "unsupported_media_type"),
            Self::TooManyRequests { .. } => (429, "too_many_requests"),
            Self::Unavailable(_) => (503, "service_unavailable"),
            Self::Internal(_) => (500, "internal_error"),
        }
    }

    /// How long a client should wait before it tries again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }
}

/// The contract's error body (section 4). It is implemented here, because Rust refuses it in a crate that owns neither
/// the trait nor the type.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if status >= 500 {
            // The one place where a failure is written down, with what caused it.
            let cause = std::error::Error::source(&self).map(ToString::to_string).unwrap_or_default();
            tracing::error!(event = "request_failed", status, code, cause);
        }
        let body = json!({ "error": code, "errorCode": code, "errorDescription": self.to_string() });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // RFC 9110, section 11.6.1. Only the server API says Basic: a browser would open its own dialogue.
        let challenge = match self {
            Self::Unauthorized => Some("Basic realm=\"API key\", charset=\"UTF-8\""),
            Self::InvalidToken(_) | Self::ExpiredToken | Self::TokenRequired => Some("Bearer"),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
