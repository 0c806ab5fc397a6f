//! The crate `passkey`, an authenticator and a client in software: it reads our options, and we read its answers.

use countersign_domain::{
    id::UserId,
    method::webauthn::{
        assertion::{Assertion, Registered, Who},
        authenticator_data::Presence,
        cose::Algorithm,
        options::{CreationOptions, Descriptor, Newcomer, RequestOptions},
        policy::{Origin, RelyingParty, RpId, Taken, UserVerification},
        refusal::Refusal,
        registration::Registration,
        wire::{Challenge, UserHandle},
    },
};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use serde_json::json;
use url::Url;

/// Somebody who touches and types the PIN whenever they are asked.
struct Willing;

#[async_trait::async_trait]
impl UserValidationMethod for Willing {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _hint: UiHint<'a, Passkey>,
        _presence: bool,
        _verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification: true })
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn its_ceremonies_hold() {
    let origin = Url::parse("https://mfa.example.com").unwrap();
    let id = || RpId::parse("example.com").unwrap();
    let page = Origin::parse("https://mfa.example.com").unwrap();
    let party = RelyingParty::new(id(), "Example".into(), vec![page], vec![]).unwrap();
    let handle = UserHandle::of(&[7; 16]);
    let challenge = Challenge::of(&[1; 32]);
    let authenticator = Authenticator::new(Aaguid::new_empty(), None::<Passkey>, Willing, AwsLcRsBackend);
    let mut client = Client::new(authenticator);

    let of = Newcomer {
        challenge: challenge.clone(),
        handle: handle.clone(),
        name: "ada@example.com",
        display_name: "Ada",
        registered: vec![],
    };
    let options = json!({"publicKey": CreationOptions::passkey(&party, of, None)});
    let made = client.register(&origin, serde_json::from_value(options).unwrap(), DefaultClientData).await.unwrap();
    let made = serde_json::from_value(serde_json::to_value(&made).unwrap()).unwrap();
    let registration = Registration {
        challenge: &challenge,
        party: &party,
        algorithms: &Algorithm::ALL,
        user_verification: UserVerification::Required,
        presence: Presence::Required,
        taken: &Taken::default(),
    };
    let credential = registration.verify(&made).unwrap();
    assert!(credential.user_verified);

    let asked = Challenge::of(&[2; 32]);
    let allowed = vec![Descriptor::new(credential.id.clone(), credential.transports.clone())];
    let options = json!({"publicKey": RequestOptions::passkey(&party, asked.clone(), allowed)});
    let answer =
        client.authenticate(&origin, serde_json::from_value(options).unwrap(), DefaultClientData).await.unwrap();
    let answer = serde_json::from_value(serde_json::to_value(&answer).unwrap()).unwrap();
    let ada = UserId::parse("ada").unwrap();
    let verify = |challenge| {
        let user_verification = UserVerification::Required;
        let assertion = Assertion { challenge, party: &party, user_verification, asked_for: &[], who: Who::Discovered };
        assertion.verify(&answer, &Registered { credential: &credential, owner: &ada, handle: Some(&handle) })
    };
    assert!(verify(&asked).unwrap().user_verified);
    assert_eq!(verify(&challenge), Err(Refusal::OtherChallenge));
}
