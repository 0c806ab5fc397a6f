//! PSKC (RFC 6030): tokens with their seeds in XML, as makers of hardware tokens deliver them.

use countersign_core::clock::Timestamp;
use data_encoding::{BASE64, HEXLOWER};
use roxmltree::{Document, Node};
use zeroize::Zeroizing;

use super::{
    preshared::{Preshared, Unlock},
    row::{Problem, problem},
    tokens::Token,
};

/// RFC 6030, section 10: names of algorithms.
const TOTP: &str = "urn:ietf:params:xml:ns:keyprov:pskc:totp";

/// One token, or why it is none.
pub struct Placed {
    pub line: u64,
    pub token: Result<Token, Problem>,
}

/// The tokens of a document.
pub fn tokens(text: &str, unlock: Option<&Unlock>, now: Timestamp) -> Result<Vec<Placed>, String> {
    let document = Document::parse(text).map_err(|error| format!("is not XML without DTD: {error}"))?;
    if !is(document.root_element(), "KeyContainer") {
        return Err("is not PSKC, whose root is KeyContainer (RFC 6030)".into());
    }
    let preshared = unlock.map(|unlock| unlock.of(document.root_element())).transpose()?;
    let placed = |package: Node<'_, '_>| Placed {
        line: document.text_pos_at(package.range().start).row.into(),
        token: token(package, preshared.as_ref(), now),
    };
    Ok(document.root_element().children().filter(|node| is(*node, "KeyPackage")).map(placed).collect())
}

/// Makers use namespaces of drafts too, so the names alone count.
fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| node.children().find(|one| is(*one, name)))
}

pub(super) fn text(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let text = child(node, path)?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn token(package: Node<'_, '_>, preshared: Option<&Preshared>, now: Timestamp) -> Result<Token, Problem> {
    let key = child(package, &["Key"]).ok_or_else(|| problem("Key", "is missing"))?;
    match key.attribute("Algorithm") {
        Some(TOTP) => {}
        Some(hotp) if hotp.ends_with(":hotp") => {
            return Err(problem(
                "Algorithm",
                "is HOTP, whose codes go by a counter and not by time; only TOTP is taken",
            ));
        }
        other => return Err(problem("Algorithm", format!("is {}; only {TOTP} is taken", other.unwrap_or("missing")))),
    }
    may_be_used(key, now)?;
    let format = child(key, &["AlgorithmParameters", "ResponseFormat"]);
    let of_format = |name: &str| format.and_then(|format| format.attribute(name));
    if of_format("Encoding").is_some_and(|encoding| encoding != "DECIMAL") {
        return Err(problem("ResponseFormat", "has codes that are not digits; only DECIMAL is taken"));
    }
    if of_format("CheckDigits").is_some_and(|check| check != "false") {
        return Err(problem("ResponseFormat", "has a check digit, which is not taken"));
    }
    let serial = text(package, &["DeviceInfo", "SerialNo"]).or_else(|| key.attribute("Id").map(str::to_owned));
    let owner = text(key, &["UserId"]).or_else(|| text(package, &["DeviceInfo", "UserId"]));
    Ok(Token {
        serial,
        owner: owner.and_then(|name| login(&name)),
        model: text(package, &["DeviceInfo", "Model"]),
        secret: Some(("secretHex", seed(key, preshared)?)),
        algorithm: text(key, &["AlgorithmParameters", "Suite"]),
        digits: of_format("Length").map(str::to_owned),
        period: text(key, &["Data", "TimeInterval", "PlainValue"]),
    })
}

fn seed(key: Node<'_, '_>, preshared: Option<&Preshared>) -> Result<String, Problem> {
    let secret = child(key, &["Data", "Secret"]).ok_or_else(|| problem("Secret", "is missing"))?;
    if child(secret, &["EncryptedValue"]).is_some() {
        let preshared = preshared.ok_or_else(|| {
            problem(
                "Secret",
                "is encrypted; say --pskc-key FILE with the key that its maker sent apart, in hexadecimal, or --pskc-password FILE",
            )
        })?;
        let opened = preshared.open(key.document().root_element(), secret).map_err(|why| problem("Secret", why))?;
        return Ok(HEXLOWER.encode(&opened));
    }
    let plain = text(secret, &["PlainValue"]).ok_or_else(|| problem("Secret", "is missing"))?;
    let plain: Zeroizing<String> = Zeroizing::new(plain.chars().filter(|c| !c.is_whitespace()).collect());
    let bytes = BASE64.decode(plain.as_bytes()).map_err(|_| problem("Secret", "is not Base64"))?;
    Ok(HEXLOWER.encode(&Zeroizing::new(bytes)))
}

/// RFC 6030, section 5: a key whose policy is not kept must not be used.
fn may_be_used(key: Node<'_, '_>, now: Timestamp) -> Result<(), Problem> {
    let Some(policy) = child(key, &["Policy"]) else { return Ok(()) };
    for rule in policy.children().filter(Node::is_element) {
        match rule.tag_name().name() {
            "ExpiryDate" => {
                let date = rule.text().and_then(|date| date.trim().parse::<Timestamp>().ok());
                let date = date.ok_or_else(|| problem("ExpiryDate", "is not a date and time with its zone"))?;
                if date <= now {
                    return Err(problem("ExpiryDate", "has passed; the key must not be used any more"));
                }
            }
            // Numbers are typed as they are, and a PIN that opens the token is its own affair.
            "PINPolicy" if matches!(rule.attribute("PINUsageMode"), None | Some("Local")) => {}
            "StartDate" | "KeyUsage" => {}
            other => return Err(problem(other, "is a policy that is not kept here, so the key must not be used")),
        }
    }
    Ok(())
}

/// RFC 6030, section 4.2: a distinguished name, of which the login is `UID`. Many write the login alone.
fn login(name: &str) -> Option<String> {
    if !name.contains('=') {
        return Some(name.to_owned());
    }
    let parts = name.split(',').filter_map(|part| part.trim().split_once('='));
    parts.into_iter().find_map(|(kind, value)| kind.trim().eq_ignore_ascii_case("uid").then(|| value.trim().to_owned()))
}
