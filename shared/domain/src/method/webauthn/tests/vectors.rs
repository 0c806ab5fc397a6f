//! The test vectors of WebAuthn Level 3, section 16: keys and signatures that others made.
//!
//! `clientDataJSON` is made here from the vector's challenge, as section 5.8.1.1 serializes it; the signature covers its
//! hash, so a letter that differed would fail.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::{
    super::{
        Credential,
        assertion::{Assertion, Registered, Signed, Who},
        authenticator_data::Presence,
        cbor::Value,
        cose::Algorithm,
        policy::{Frames, Origin, RelyingParty, RpId, Taken, UserVerification},
        refusal::Refusal,
        registration::Registration,
        wire::Challenge,
    },
    authenticator::{ada, assertion_json, encode, registration_json},
};

/// One vector, bytes in hexadecimal.
struct Vector {
    key: Vec<u8>,
    aaguid: &'static str,
    id: &'static str,
    created: Told,
    signed: Told,
    signature: &'static str,
    format: &'static str,
    frame: Frame,
}

/// What one ceremony of a vector has of its own.
struct Told {
    challenge: &'static str,
    extra: Option<&'static str>,
    flags: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    No,
    Unnamed,
    Named,
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn es256(x: &str, y: &str) -> Vec<u8> {
    hex(&format!("a5010203262001215820{x}225820{y}"))
}

/// (2^1279 - 1)(2^2203 - 1): the smallest two Mersenne primes that are long enough.
fn rs256() -> Vec<u8> {
    let mut modulus = [0_u8; 436];
    for bit in (0..1).chain(1279..2203).chain(2204..3482) {
        modulus[435 - bit / 8] |= 1 << (bit % 8);
    }
    [&hex("a401030339010020")[..], &hex("5901b4"), &modulus, &hex("2143010001")].concat()
}

/// 16.2, 16.4, 16.5, 16.10 and 16.11.
fn vectors() -> [Vector; 5] {
    [
        Vector {
            key: es256(
                "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61",
                "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
            ),
            aaguid: "8446ccb9ab1db374750b2367ff6f3a1f",
            id: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
            created: Told {
                challenge: "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
                extra: Some("BkQeDjdcTBrXBiAwJTLE5Q"),
                flags: 0x59,
            },
            signed: Told {
                challenge: "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
                extra: None,
                flags: 0x19,
            },
            signature: "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b9353\
                        8174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
            format: "none",
            frame: Frame::No,
        },
        Vector {
            key: es256(
                "22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d",
                "cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
            ),
            aaguid: "883f4f6014f19c09d87aa38123be48d0",
            id: "6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57",
            created: Told {
                challenge: "3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49",
                extra: Some("zZquEtDR9DWqpW5tBWTFug"),
                flags: 0x45,
            },
            signed: Told {
                challenge: "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137",
                extra: Some("92pcTVD0Aby-q4dtmj6efg"),
                flags: 0x05,
            },
            signature: "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c\
                        56f30837cda6a09acfa2e915544e609c0733b1184036d1cf",
            format: "none",
            frame: Frame::Unnamed,
        },
        Vector {
            key: es256(
                "a1c47c1d82da4ebe82cd72207102b380670701993bc35398ae2e5726427fe01d",
                "86c1080d82987028c7f54ecb1b01185de243b359294a0ed210cd47480f0adc88",
            ),
            aaguid: "97586fd09799a76401c200455099ef2a",
            id: "b8ad59b996047ab18e2ceb57206c362da57458793481f4a8ebf101c7ca7cc0f1",
            created: Told {
                challenge: "4e1f4c6198699e33c14f192153f49d7e0e8e3577d5ac416c5f3adc92a41f27e5",
                extra: None,
                flags: 0x41,
            },
            signed: Told {
                challenge: "d54a5c8ca4b62a8e3bb321e3b2bc73856f85a10150db2939ac195739eb1ea066",
                extra: Some("UiFoJMVRQHDAFWFi4vxUpQ"),
                flags: 0x05,
            },
            signature: "3045022100b5a70c81780d5fcc9a4f2ae9caae99058f8accaf58b91fb59329646c28ac6ffc022012e101c165db3c8e99\
                        57f0c54dd6ca9b56bc3bd2f280bd2faa6c1d02c6e5c171",
            format: "none",
            frame: Frame::Named,
        },
        Vector {
            key: rs256(),
            aaguid: "428f8878298b9862a36ad8c7527bfef2",
            id: "992a18acc83f67533600c1138a4b4c4bd236de13629cf025ed17cb00b00b74df",
            created: Told {
                challenge: "bea8f0770009bd57f2c0df6fea9f743a27e4b61bbe923c862c7aad7a9fc8e4a6",
                extra: None,
                flags: 0x5d,
            },
            signed: Told {
                challenge: "295f59f5fa8fe62c5aca9e27626c78c8da376ae6d8cd2dd29aebad601e1bc4c5",
                extra: None,
                flags: 0x19,
            },
            signature: "01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f888d67d880ea730a428498d3bc8e1ee11f2b1ecbe6c292b1\
                        18c55ffaaddefa8cad0a54dd137c51f1eec673f1bb6c4d1789d6826a222b22d0f585fc901fdc933212e579d199b89d67\
                        2aa44891333e6a1355536025e82b25590256c3538229b55737083b2f6b9377e49e2472f11952f79fdd0da180b5ffd901\
                        b4049a8f081bb40711bef76c62aed943571f2d0575304cb549d68d8892f95086a30f93716aee818f8dc06e96c0d5e0ed\
                        4cfa9fd8773d90464b68cf140f7986666ff9c9e3302acd0535d60d769f465e2ab57ef8aabc89fccfef7ba32a64154a8b\
                        3d26be2298f470b8cc5377dbe3dfd4b0b45f8f01e63bde6cfc76b62771f9b70aa27cf40152cad93aa5acd784fd4b90f6\
                        76e2ea828d0bf2400aebbaae4153e5838f537f88b6228346782a93a899be66ec77de45b3efcf311da6321c92e6b0cd11\
                        bfe653bf3e98cee8e341f02d67dbb6f9c98d9e8178090cfb5b70fbc6d541599ac794ae2f1d4de1286ec8de8c2daf7b1d\
                        15c8438e90d924df5c19045220a4c8438c1b979bbe016cf3d0eeec23c3999d4882cc645b776de930756612cdc6dd3981\
                        60ff02a6",
            format: "packed",
            frame: Frame::No,
        },
        Vector {
            key: hex("a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832"),
            aaguid: "d5aa33581e8ca478e20fe713f5d32ff2",
            id: "ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd",
            created: Told {
                challenge: "a8abf9dabdc6b0df63466b39bda9e8a34a34e185337a59f1c579990676d3b3bd",
                extra: Some("B_DT5g7ZD_-9OTLYX5IvEQ"),
                flags: 0x41,
            },
            signed: Told {
                challenge: "895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2",
                extra: None,
                flags: 0x01,
            },
            signature: "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097\
                        d6607525713223a0dc0d453993dae00b",
            format: "packed",
            frame: Frame::No,
        },
    ]
}

/// SHA-256 of `example.org`, as the vectors have it.
const RP_ID_HASH: &str = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5";

fn party() -> RelyingParty {
    let origins = vec![Origin::parse("https://example.org").unwrap()];
    let top_origins = vec![Origin::parse("https://example.com").unwrap()];
    RelyingParty::new(RpId::parse("example.org").unwrap(), "Example".into(), origins, vec![])
        .unwrap()
        .with_frames(Frames::Within { top_origins, accepts_unnamed: true })
}

fn challenge(told: &Told) -> Challenge {
    Challenge::of(&hex(told.challenge).try_into().unwrap())
}

impl Vector {
    fn client_data(&self, kind: &str, told: &Told) -> String {
        let challenge = BASE64URL_NOPAD.encode(&hex(told.challenge));
        let cross_origin = self.frame != Frame::No;
        let top = if self.frame == Frame::Named { r#","topOrigin":"https://example.com""# } else { "" };
        let more = "clientDataJSON may be extended with additional fields in the future, such as this: ";
        let extra = told.extra.map(|extra| format!(r#","extraData":"{more}{extra}""#)).unwrap_or_default();
        format!(
            r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://example.org","crossOrigin":{cross_origin}{top}{extra}}}"#
        )
    }

    fn register(&self, party: &RelyingParty) -> Result<Credential, Refusal> {
        let id = hex(self.id);
        let head = [hex(RP_ID_HASH), vec![self.created.flags, 0, 0, 0, 0], hex(self.aaguid), vec![0, 32]].concat();
        let auth_data = [head, id.clone(), self.key.clone()].concat();
        let packed =
            Value::Map(vec![(Value::Text("alg"), Value::Integer(-7)), (Value::Text("sig"), Value::Bytes(b""))]);
        let statement = if self.format == "none" { Value::Map(vec![]) } else { packed };
        let object = encode(&Value::Map(vec![
            (Value::Text("fmt"), Value::Text(self.format)),
            (Value::Text("attStmt"), statement),
            (Value::Text("authData"), Value::Bytes(&auth_data)),
        ]));
        let client_data = self.client_data("webauthn.create", &self.created);
        let registration = Registration {
            challenge: &challenge(&self.created),
            party,
            algorithms: &Algorithm::ALL,
            user_verification: UserVerification::Discouraged,
            presence: Presence::Required,
            taken: &Taken::default(),
        };
        registration.verify(&registration_json(&id, client_data.as_bytes(), &object))
    }

    fn sign_in(&self, party: &RelyingParty, credential: &Credential, signature: &[u8]) -> Result<Signed, Refusal> {
        let data = [hex(RP_ID_HASH), vec![self.signed.flags, 0, 0, 0, 0]].concat();
        let client_data = self.client_data("webauthn.get", &self.signed);
        let response = assertion_json(&hex(self.id), client_data.as_bytes(), &data, signature, None);
        let ada = ada();
        let assertion = Assertion {
            challenge: &challenge(&self.signed),
            party,
            user_verification: UserVerification::Discouraged,
            asked_for: &[],
            who: Who::Known(&ada),
        };
        assertion.verify(&response, &Registered { credential, owner: &ada, handle: None })
    }
}

#[test]
fn the_vectors_of_the_specification_hold() {
    for vector in vectors() {
        let credential = vector.register(&party()).unwrap();
        let (created, signed) = (vector.created.flags, vector.signed.flags);
        assert_eq!((credential.user_verified, credential.backup_eligible), (created & 4 != 0, created & 8 != 0));
        assert_eq!((credential.backed_up, credential.public_key.to_cose()), (created & 16 != 0, vector.key.clone()));
        let told = vector.sign_in(&party(), &credential, &hex(vector.signature)).unwrap();
        assert_eq!(told, Signed { user_verified: signed & 4 != 0, counter: 0, backed_up: signed & 16 != 0 });
    }
}

#[test]
fn no_bit_of_their_signatures_can_be_changed() {
    for vector in vectors() {
        let credential = vector.register(&party()).unwrap();
        let signature = hex(vector.signature);
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(vector.sign_in(&party(), &credential, &changed), Err(Refusal::Signature), "{at}");
        }
        let longer = [&signature[..], &[0]].concat();
        assert_eq!(vector.sign_in(&party(), &credential, &longer), Err(Refusal::Signature));
    }
}

#[test]
fn their_frames_are_refused_where_frames_are() {
    let strict = party().with_frames(Frames::Refused);
    for vector in vectors() {
        let credential = vector.register(&party()).unwrap();
        let expected = if vector.frame == Frame::No { None } else { Some(Refusal::InFrame) };
        assert_eq!(vector.register(&strict).err(), expected);
        assert_eq!(vector.sign_in(&strict, &credential, &hex(vector.signature)).err(), expected);
    }
}

/// 16.3: the attestation object to the byte, with a statement in it that is signed by the credential itself.
#[test]
fn an_object_with_self_attestation_is_read() {
    let object = hex(
        "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c7\
         3228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158\
         a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020\
         455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07\
         af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
    );
    let [mut vector, ..] = vectors();
    vector.created = Told {
        challenge: "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
        extra: Some("U9hTXvKE2URkMnb_0xYHVg"),
        flags: 0,
    };
    let id = hex("455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c");
    let client_data = vector.client_data("webauthn.create", &vector.created);
    let response = registration_json(&id, client_data.as_bytes(), &object);
    let verify = |only_unattested| {
        let registration = Registration {
            challenge: &challenge(&vector.created),
            party: &party(),
            algorithms: &Algorithm::ALL,
            user_verification: UserVerification::Required,
            presence: Presence::Required,
            taken: &Taken { only_unattested, ..Taken::default() },
        };
        registration.verify(&response)
    };
    assert_eq!(verify(false).unwrap().aaguid.to_string(), "df850e09-db6a-fbdf-ab51-697791506cfc");
    assert_eq!(verify(true), Err(Refusal::Attested("packed".into())));
}
