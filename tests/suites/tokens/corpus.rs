//! Some two hundred tokens that are almost right.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use serde_json::{Value, json};

use super::forge::Parts;

/// What the forger has: a true token of the tenant, its true key, and keys that are not.
pub struct Forger {
    pub token: String,
    pub key: Vec<u8>,
    /// The key of another tenant, and one of that tenant's tokens.
    pub other_key: Vec<u8>,
    pub other_token: String,
    /// What a forger may know or guess.
    pub known: Vec<Vec<u8>>,
}

type Forged = Vec<(String, String)>;

pub fn all(forger: &Forger) -> Forged {
    let mut all = algorithms(forger);
    all.extend(headers(forger));
    all.extend(claims(forger));
    all.extend(spellings(forger));
    all
}

/// Other algorithms, none, and other keys.
fn algorithms(forger: &Forger) -> Forged {
    let true_parts = Parts::of(&forger.token);
    let mut all = Forged::new();
    let with_alg = |alg: Value| {
        let mut header = true_parts.header();
        header["alg"] = alg;
        true_parts.headed(header)
    };
    for alg in ["none", "None", "NONE", "nOnE", "", "none ", "HS256\u{0}", " HS256", "hs256"] {
        let parts = with_alg(json!(alg));
        all.push((format!("alg {alg:?} without a signature"), format!("{}.", parts.unsigned())));
        all.push((format!("alg {alg:?} in two parts"), parts.unsigned()));
        all.push((format!("alg {alg:?}, truly signed"), parts.signed(&forger.key)));
    }
    for alg in ["HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "ES256K", "dir", "A256KW"] {
        all.push((format!("alg {alg} over HS256"), with_alg(json!(alg)).signed(&forger.key)));
    }
    all.push(("HS384 in truth".into(), with_alg(json!("HS384")).signed_with(hmac::HMAC_SHA384, &forger.key)));
    all.push(("HS512 in truth".into(), with_alg(json!("HS512")).signed_with(hmac::HMAC_SHA512, &forger.key)));
    all.push(("SHA-384 called HS256".into(), true_parts.signed_with(hmac::HMAC_SHA384, &forger.key)));
    for alg in [json!(null), json!(256), json!(["HS256"]), json!({"HS256": true}), json!(true)] {
        all.push((format!("alg {alg}"), with_alg(alg).signed(&forger.key)));
    }
    for (number, key) in forger.known.iter().enumerate() {
        all.push((format!("a key that a forger may know, {number}"), true_parts.signed(key)));
    }
    all.push(("another tenant's key".into(), true_parts.signed(&forger.other_key)));
    all.push((
        "another tenant's header".into(),
        true_parts.headed(Parts::of(&forger.other_token).header).signed(&forger.key),
    ));
    let theirs = true_parts.headed(Parts::of(&forger.other_token).header).signed(&forger.other_key);
    all.push(("our claims in another tenant's name".into(), theirs));
    all
}

/// Key ids that mean another key or a place, and headers that bring a key of their own.
fn headers(forger: &Forger) -> Forged {
    let parts = Parts::of(&forger.token);
    let mut all = Forged::new();
    let kids = [
        json!(null),
        json!(""),
        json!("1"),
        json!("t1"),
        json!("t1."),
        json!(".1"),
        json!("t1.0"),
        json!("t1.2"),
        json!("t1.01"),
        json!("t1.1 "),
        json!(" t1.1"),
        json!("T1.1"),
        json!("t1..1"),
        json!("t1.1.1"),
        json!("t1/1"),
        json!("t1#1"),
        json!("t1.1\0"),
        json!("t1.1%00"),
        json!("../t1.1"),
        json!("../../../dev/null"),
        json!("/dev/null"),
        json!("t1.../1"),
        json!("t2.1"),
        json!("t1' OR '1'='1.1"),
        json!("t1|t2.1"),
        json!("t1\n.1"),
        json!(1),
        json!(["t1.1"]),
        json!({"t1": 1}),
        json!(true),
        json!("x".repeat(5_000)),
    ];
    for kid in kids {
        let mut header = parts.header();
        header["kid"] = kid.clone();
        let shown: String = kid.to_string().chars().take(30).collect();
        all.push((format!("kid {shown}"), parts.headed(header).signed(&forger.key)));
    }
    let mut without = parts.header();
    without.as_object_mut().expect("an object").remove("kid");
    all.push(("no kid".into(), parts.headed(without).signed(&forger.key)));
    let jwk = json!({"kty": "oct", "alg": "HS256", "kid": "t1.1", "k": BASE64URL_NOPAD.encode(&forger.known[0])});
    let mut own_key = parts.header();
    own_key["jwk"] = jwk.clone();
    all.push(("a key of its own, used".into(), parts.headed(own_key).signed(&forger.known[0])));
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("url", json!("https://evil.example")),
        ("nonce", json!("n")),
        ("unheardOf", json!(1)),
        ("typ", json!(null)),
        ("typ", json!("")),
        ("typ", json!("at+jwt")),
        ("typ", json!("jwt")),
        ("typ", json!("JWS")),
        ("typ", json!(["JWT"])),
    ] {
        let mut header = parts.header();
        header[name] = value.clone();
        all.push((format!("header {name} {value}"), parts.headed(header).signed(&forger.key)));
    }
    for (what, extra) in [("alg", r#""alg":"none""#), ("kid", r#""kid":"t2.1""#), ("the same kid", r#""kid":"t1.1""#)] {
        for header in [
            parts.header.replacen('{', &format!("{{{extra},"), 1),
            parts.header.replacen('}', &format!(",{extra}}}"), 1),
        ] {
            all.push((format!("{what} twice in the header"), parts.headed(header).signed(&forger.key)));
        }
    }
    for header in ["", "{}", "null", "[]", "\"HS256\"", "{\"alg\":\"HS256\"}", "not json"] {
        all.push((format!("header {header:?}"), parts.headed(header).signed(&forger.key)));
    }
    all
}

/// Every claim left out, of another type, of another value, and twice.
fn claims(forger: &Forger) -> Forged {
    let parts = Parts::of(&forger.token);
    let original = parts.claims();
    let mut all = Forged::new();
    let mut push = |what: String, claims: Value| all.push((what, parts.claiming(claims).signed(&forger.key)));
    let names: Vec<String> = original.as_object().expect("claims").keys().cloned().collect();
    for name in &names {
        let mut without = original.clone();
        without.as_object_mut().expect("an object").remove(name);
        push(format!("no {name}"), without);
        for value in [json!(null), json!([]), json!({}), json!(true), json!("")] {
            if name == "scope" && value == "" {
                // A right to nothing is a scope too; nobody is given it.
                continue;
            }
            let mut other = original.clone();
            other[name] = value.clone();
            push(format!("{name} {value}"), other);
        }
    }
    let inner: Vec<String> = original["other"].as_object().expect("a subject").keys().cloned().collect();
    for name in &inner {
        let mut without = original.clone();
        without["other"].as_object_mut().expect("an object").remove(name);
        push(format!("no other.{name}"), without);
        for value in [json!(null), json!(1), json!([original["other"][name]]), json!("")] {
            let mut other = original.clone();
            other["other"][name] = value.clone();
            push(format!("other.{name} {value}"), other);
        }
    }
    let exp = original["exp"].as_i64().expect("a number");
    for name in ["exp", "iat"] {
        let values = [
            json!(exp.to_string()),
            json!(exp as f64 + 0.5),
            json!(f64::MAX),
            json!(u64::MAX),
            json!(-1e300),
            json!([exp]),
            json!("never"),
            json!("2999-01-01T00:00:00Z"),
        ];
        for value in values {
            let mut other = original.clone();
            other[name] = value.clone();
            push(format!("{name} {value}"), other);
        }
    }
    for (path, value) in [
        ("/exp", json!(0)),
        ("/exp", json!(-1)),
        ("/exp", json!(i64::MIN)),
        ("/exp", original["iat"].clone()),
        ("/iat", json!(exp)),
        ("/iat", json!(i64::MAX)),
        ("/iss", json!("evil")),
        ("/iss", json!("Countersign")),
        ("/aud", json!("t2")),
        ("/aud", json!(["t1"])),
        ("/aud", json!("t1 ")),
        ("/sub", json!("bob")),
        ("/sub", json!("ada\0")),
        ("/other/tenantId", json!("t2")),
        ("/other/userId", json!("bob")),
        ("/other/userUid", json!("0")),
        ("/jti", json!("x y")),
        ("/other/actionCode", json!("a b")),
    ] {
        let mut other = original.clone();
        *other.pointer_mut(path).expect("a claim") = value.clone();
        push(format!("{path} {value}"), other);
    }
    for (name, value) in
        [("nbf", json!(0)), ("nbf", json!("0")), ("admin", json!(true)), ("azp", json!("x")), ("__proto__", json!({}))]
    {
        let mut other = original.clone();
        other[name] = value.clone();
        push(format!("one more claim, {name}"), other);
        let mut other = original.clone();
        other["other"][name] = value;
        push(format!("one more claim, other.{name}"), other);
    }
    // In the order in which a reader that takes fields by their place would look for them.
    let order = |fields: &Value, names: &[&str]| Value::from_iter(names.iter().map(|name| fields[*name].clone()));
    let subject = order(&original["other"], &["tenantId", "userId", "userUid", "actionCode", "idempotencyKey"]);
    let mut inner_list = original.clone();
    inner_list["other"] = subject.clone();
    let mut listed = order(&original, &["iss", "aud", "sub", "exp", "iat", "jti", "scope", "other"]);
    push("claims as a list with a subject".into(), listed.clone());
    listed[7] = subject;
    push("a subject as a list".into(), inner_list);
    push("claims as a list".into(), listed);
    push("claims in a list".into(), json!([original]));
    for name in &names {
        let again = format!(",{}:{}}}", json!(name), original[name]);
        let twice = format!("{}{again}", parts.claims.strip_suffix('}').expect("an object"));
        all.push((format!("{name} twice"), parts.claiming(twice).signed(&forger.key)));
    }
    for text in ["", "{}", "null", "[]", "1", "{", "not json", "[{}]"] {
        all.push((format!("claims {text:?}"), parts.claiming(text).signed(&forger.key)));
    }
    all
}

/// The right bytes, spelt otherwise.
fn spellings(forger: &Forger) -> Forged {
    let token = &forger.token;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let other: Vec<&str> = forger.other_token.split('.').collect();
    let mut all = Forged::new();
    let mut push = |what: &str, text: String| all.push((what.to_owned(), text));
    let tag = BASE64URL_NOPAD.decode(signature.as_bytes()).expect("base64url");
    for (position, _) in tag.iter().enumerate().step_by(5) {
        let mut changed = tag.clone();
        changed[position] ^= 1;
        push("a bit of the signature", format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(&changed)));
    }
    for cut in [1, 2, 10, 43] {
        push("a signature that is cut short", token[..token.len() - cut].to_owned());
        push("a beginning that is cut off", token[cut..].to_owned());
    }
    push("no signature", format!("{header}.{claims}."));
    push("two parts", format!("{header}.{claims}"));
    push("four parts", format!("{token}.{signature}"));
    push("a dot more", format!("{token}."));
    push("a dot before", format!(".{token}"));
    push("five parts", format!("{header}..{claims}..{signature}"));
    push("its parts in another order", format!("{claims}.{header}.{signature}"));
    push("another header", format!("{}.{claims}.{signature}", other[0]));
    push("other claims", format!("{header}.{}.{signature}", other[1]));
    push("another signature", format!("{header}.{claims}.{}", other[2]));
    push("a doubled signature", format!("{header}.{claims}.{signature}{signature}"));
    push("padding", format!("{token}="));
    push("padding of the header", format!("{header}=.{claims}.{signature}"));
    push("the padded alphabet", format!("{header}.{claims}.{}", BASE64URL.encode(&tag)));
    // `+/` for `-_`: only where the signature has one of them.
    let standard = BASE64.encode(&tag).trim_end_matches('=').to_owned();
    if standard != signature {
        push("the other alphabet", format!("{header}.{claims}.{standard}"));
    }
    // The last character of 43 carries four bits and two that must be nought.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(&signature[42..]).expect("a character of the alphabet");
    for bits in 1..4 {
        let bent = &alphabet[last + bits..=last + bits];
        push("bits after the end", format!("{header}.{claims}.{}{bent}", &signature[..42]));
    }
    for space in [" ", "\t", "\u{a0}"] {
        push("a space inside", format!("{header}.{space}{claims}.{signature}"));
        push("a space in the signature", format!("{header}.{claims}.{}{space}{}", &signature[..9], &signature[9..]));
    }
    push("quotes", format!("\"{token}\""));
    push("a scheme twice", format!("Bearer {token}"));
    push("two tokens", format!("{token},{token}"));
    push("other case", token.to_lowercase());
    push("percent-encoded", token.replace('.', "%2E"));
    push("nothing but dots", "..".into());
    push("very long", format!("{header}.{}.{signature}", "A".repeat(9_000)));
    all
}
