//! What others say of the same ceremonies: the software authenticator and client of the crate `passkey` make some that the
//! verifier has to take, and `webauthn-rs-core` judges mutated ones beside it.
//!
//! The authenticator and the mutations are those of the verifier's own tests; here they stand in modules of the same depth.

#![cfg(test)]

pub use countersign_domain::id;

mod webauthn {
    pub use countersign_domain::method::webauthn::*;

    #[expect(dead_code, reason = "each program uses a part of it")]
    mod tests;

    mod passkey_rs;
    mod webauthn_rs;

    use tests::{authenticator, mutations};
}
