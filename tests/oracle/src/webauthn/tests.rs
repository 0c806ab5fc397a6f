//! The authenticator and the mutations of the verifier's own tests.

#[path = "../../../../shared/domain/src/method/webauthn/tests/authenticator.rs"]
pub mod authenticator;
#[path = "../../../../shared/domain/src/method/webauthn/tests/mutations.rs"]
pub mod mutations;
