//! Public keys of credentials: COSE_Key (RFC 9052, section 7; WebAuthn Level 3, section 5.8.5), and signatures by them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::{
    cbor::{self, Value},
    refusal::Refusal,
};

/// Names in a COSE_Key (RFC 9053, sections 7.1 and 7.2; RFC 8230, section 4).
const KTY: Value<'static> = Value::Integer(1);
const ALG: Value<'static> = Value::Integer(3);
const CRV_OR_N: Value<'static> = Value::Integer(-1);
const X_OR_E: Value<'static> = Value::Integer(-2);
const Y: Value<'static> = Value::Integer(-3);

/// How a credential signs (RFC 9053; RFC 8812). In the order in which they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, which TPMs of Windows Hello use.
    Rs256,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// Its number in the registry of COSE.
    pub const fn id(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

/// A key that has been checked: it verifies signatures, and nothing else passes for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// The point, uncompressed: 4, x and y (SEC 1, 2.3.3).
    P256([u8; 65]),
    Ed25519([u8; 32]),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// Points of small order, without the bit of the sign: with such a key one signature fits every message (RFC 8032, section
/// 8.8 leaves that to the caller). The first seven of libsodium's list.
const SMALL_ORDER: [[u8; 32]; 7] = {
    let mut list = [[0; 32]; 7];
    list[1][0] = 1;
    list[2] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    list[3] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    let mut at = 4;
    while at < 7 {
        list[at] = [0xff; 32];
        // p - 1, p and p + 1, where p is 2^255 - 19.
        list[at][0] = [0xec, 0xed, 0xee][at - 4];
        list[at][31] = 0x7f;
        at += 1;
    }
    list
};

impl PublicKey {
    /// Reads a key as it stands in authenticator data: exactly the names that its algorithm has, because 6.5.1.1 forbids
    /// others, and values that can be used.
    pub fn read(key: &Value<'_>) -> Result<Self, Refusal> {
        let integer = |name: &Value<'_>| key.get(name).and_then(Value::integer);
        let bytes = |name: &Value<'_>| key.get(name).and_then(Value::bytes);
        let alg = integer(&ALG).ok_or(Refusal::Key("it names no algorithm"))?;
        let found = Algorithm::ALL.into_iter().find(|known| known.id() == alg);
        let algorithm = found.ok_or(Refusal::OtherAlgorithm(alg))?;
        let (kty, crv, names) = match algorithm {
            // 5.8.5: ES256 is P-256, uncompressed; EdDSA is Ed25519.
            Algorithm::Es256 => (2, Some(1), 5),
            Algorithm::EdDsa => (1, Some(6), 4),
            Algorithm::Rs256 => (3, None, 4),
        };
        if integer(&KTY) != Some(kty) || (crv.is_some() && integer(&CRV_OR_N) != crv) {
            return Err(Refusal::Key("its type or curve is not the one of its algorithm"));
        }
        if key.names() != Some(names) {
            return Err(Refusal::Key("it has names that its algorithm has not"));
        }
        let missing = Refusal::Key("it lacks a part, or one has another length");
        let part = |name: &Value<'_>| bytes(name).ok_or_else(|| missing.clone());
        let whole = |name: &Value<'_>| <[u8; 32]>::try_from(part(name)?).map_err(|_| missing.clone());
        let kind = match algorithm {
            Algorithm::Es256 => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&whole(&X_OR_E)?);
                point[33..].copy_from_slice(&whole(&Y)?);
                Kind::P256(point)
            }
            Algorithm::EdDsa => Kind::Ed25519(whole(&X_OR_E)?),
            Algorithm::Rs256 => Kind::Rsa { modulus: part(&CRV_OR_N)?.to_vec(), exponent: part(&X_OR_E)?.to_vec() },
        };
        let key = Self(kind);
        key.check()?;
        Ok(key)
    }

    /// Reads a COSE_Key that is all there is, as backends hand them over.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(&cbor::read_all(bytes).map_err(|fault| Refusal::Cbor("The public key", fault))?)
    }

    fn check(&self) -> Result<(), Refusal> {
        match &self.0 {
            Kind::Ed25519(point) => {
                let mut without_sign = *point;
                without_sign[31] &= 0x7f;
                if SMALL_ORDER.contains(&without_sign) {
                    return Err(Refusal::Key("its point is of small order"));
                }
            }
            // 2,048 bits at least; more than 4,096 nobody makes, and they cost time.
            Kind::Rsa { modulus, exponent } => {
                let is_long_enough = modulus.len() > 256 || modulus.first().is_some_and(|first| first & 0x80 != 0);
                if !(256..=512).contains(&modulus.len()) || !is_long_enough {
                    return Err(Refusal::Key("an RSA key has 2,048 to 4,096 bits here"));
                }
                if modulus.last().is_none_or(|last| last & 1 == 0) {
                    return Err(Refusal::Key("an RSA modulus is odd"));
                }
                // AWS-LC takes 1, under which every message is its own signature.
                let is_odd = exponent.last().is_some_and(|last| last & 1 == 1);
                if exponent.len() > 4 || !is_odd || exponent.as_slice() == [1] {
                    return Err(Refusal::Key("an RSA exponent is odd, 3 at least, and has 32 bits at most"));
                }
            }
            Kind::P256(_) => {}
        }
        // A point that is not on the curve is no key (SP 800-56A, 5.6.2.3.3).
        self.parsed().map(|_| ()).ok_or(Refusal::Key("its numbers are no key of its algorithm"))
    }

    fn parsed(&self) -> Option<ParsedPublicKey> {
        match &self.0 {
            Kind::P256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok(),
            Kind::Ed25519(point) => ParsedPublicKey::new(&ED25519, point).ok(),
            Kind::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .ok(),
        }
    }

    /// Whether the signature over the message is by this key.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed().is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }

    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Kind::P256(_) => Algorithm::Es256,
            Kind::Ed25519(_) => Algorithm::EdDsa,
            Kind::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// The COSE_Key in canonical form: what is stored, and what `credentialPublicKey` of webhooks says.
    pub fn to_cose(&self) -> Vec<u8> {
        match &self.0 {
            Kind::P256(point) => {
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], &point[1..33], &[0x22, 0x58, 32], &point[33..]]
                    .concat()
            }
            Kind::Ed25519(point) => [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], point].concat(),
            Kind::Rsa { modulus, exponent } => {
                let [.., high, low] = modulus.len().to_be_bytes();
                let [.., short] = exponent.len().to_be_bytes();
                let start = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, high, low];
                [&start[..], modulus, &[0x21, 0x40 | short], exponent].concat()
            }
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.algorithm())
    }
}
impl TryFrom<String> for PublicKey {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Refusal::NotBase64("The public key"))?;
        Self::from_cose(&bytes)
    }
}
impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        BASE64URL_NOPAD.encode(&key.to_cose())
    }
}
