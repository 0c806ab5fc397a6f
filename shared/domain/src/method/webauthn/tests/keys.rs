//! Keys: what is one of its algorithm is read and kept, and nothing else is.

use data_encoding::HEXLOWER;

use super::{
    super::{
        cbor::Value,
        cose::{Algorithm, PublicKey},
        refusal::Refusal,
    },
    authenticator::{Keys, encode},
};

/// The names of a key, and their values.
fn parts(cose: &[u8]) -> Vec<(Value<'_>, Value<'_>)> {
    match super::super::cbor::read_all(cose).unwrap() {
        Value::Map(entries) => entries,
        other => panic!("{other:?}"),
    }
}

fn refused(key: Vec<(Value<'_>, Value<'_>)>) -> Refusal {
    PublicKey::from_cose(&encode(&Value::Map(key))).unwrap_err()
}

#[test]
fn a_key_is_kept_in_canonical_form() {
    for algorithm in Algorithm::ALL {
        let cose = Keys::generate(algorithm).cose();
        let key = PublicKey::from_cose(&cose).unwrap();
        assert_eq!((key.to_cose(), key.algorithm()), (cose.clone(), algorithm));
        let mut turned = parts(&cose);
        turned.reverse();
        assert_eq!(PublicKey::from_cose(&encode(&Value::Map(turned))).unwrap().to_cose(), cose);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
    }
}

#[test]
fn a_key_has_the_names_of_its_algorithm_and_no_others() {
    for algorithm in Algorithm::ALL {
        let cose = Keys::generate(algorithm).cose();
        let whole = parts(&cose);
        for missing in 0..whole.len() {
            let mut part = whole.clone();
            part.remove(missing);
            assert!(matches!(refused(part), Refusal::Key(_)), "{algorithm:?} {missing}");
        }
        let mut more = whole.clone();
        more.push((Value::Integer(-4), Value::Bytes(b"d")));
        assert_eq!(refused(more), Refusal::Key("it has names that its algorithm has not"));
        for (at, (name, _)) in whole.iter().enumerate() {
            for wrong in [Value::Null, Value::Integer(99), Value::Bytes(b"short"), Value::Bool(true)] {
                let mut part = whole.clone();
                part[at].1 = wrong;
                assert!(
                    matches!(refused(part), Refusal::Key(_) | Refusal::OtherAlgorithm(99)),
                    "{algorithm:?} {name:?}"
                );
            }
        }
    }
    for other in [Value::Array(vec![]), Value::Integer(1), Value::Map(vec![])] {
        let refusal = PublicKey::from_cose(&encode(&other)).unwrap_err();
        assert_eq!(refusal, Refusal::Key("it names no algorithm"));
    }
    // ES384, PS256, and ES256K are other algorithms; so is ES256 under another type.
    let cose = Keys::generate(Algorithm::Es256).cose();
    for alg in [-35, -37, -47, 0, i64::MIN] {
        let mut part = parts(&cose);
        part[1].1 = Value::Integer(alg);
        assert_eq!(refused(part), Refusal::OtherAlgorithm(alg));
    }
}

#[test]
fn a_point_is_on_its_curve_and_not_of_small_order() {
    let cose = Keys::generate(Algorithm::Es256).cose();
    let mut off = cose.clone();
    *off.last_mut().unwrap() ^= 1;
    let refusal = Refusal::Key("its numbers are no key of its algorithm");
    assert_eq!(PublicKey::from_cose(&off).unwrap_err(), refusal);
    let cose = Keys::generate(Algorithm::EdDsa).cose();
    let p_plus_1 = [&[0xee], &[0xff; 30][..], &[0x7f]].concat();
    let order_8 = HEXLOWER.decode(b"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05").unwrap();
    let mut order_8_signed = order_8.clone();
    order_8_signed[31] |= 0x80;
    let one = [&[1][..], &[0; 31]].concat();
    for weak in [vec![0; 32], one, order_8, order_8_signed, p_plus_1] {
        let mut part = parts(&cose);
        part[3].1 = Value::Bytes(&weak);
        assert_eq!(refused(part), Refusal::Key("its point is of small order"), "{weak:?}");
    }
}

#[test]
fn an_rsa_key_has_2048_bits_and_no_zero_in_front() {
    let cose = Keys::generate(Algorithm::Rs256).cose();
    let whole = parts(&cose);
    let modulus = whole[2].1.bytes().unwrap();
    let with = |modulus: &[u8], exponent: &[u8]| {
        let mut part = whole.clone();
        (part[2].1, part[3].1) = (Value::Bytes(modulus), Value::Bytes(exponent));
        PublicKey::from_cose(&encode(&Value::Map(part))).map(|_| ())
    };
    assert_eq!(with(modulus, &[1, 0, 1]), Ok(()));
    let size = Err(Refusal::Key("an RSA key has 2,048 to 4,096 bits here"));
    assert_eq!(with(&modulus[..128], &[1, 0, 1]), size, "1,024");
    assert_eq!(with(&[&[0x7f], &modulus[1..]].concat(), &[1, 0, 1]), size, "2,047");
    assert_eq!(with(&[0xff; 513], &[1, 0, 1]), size, "4,104");
    let numbers = Err(Refusal::Key("its numbers are no key of its algorithm"));
    assert_eq!(with(&[&[0], modulus].concat(), &[1, 0, 1]), numbers, "a zero in front (RFC 8230, section 4)");
    let mut even = modulus.to_vec();
    even[255] ^= 1;
    assert_eq!(with(&even, &[1, 0, 1]), Err(Refusal::Key("an RSA modulus is odd")));
    assert_eq!(with(modulus, &[0, 3]), numbers, "a zero in front");
    let exponents = Err(Refusal::Key("an RSA exponent is odd, 3 at least, and has 32 bits at most"));
    for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(with(modulus, exponent), exponents, "{exponent:?}");
    }
}
