//! What is enrolled: accounts for codes, and keys at servers.

use serde_json::{Value, json};

use crate::{
    Enrolment,
    api::Line,
    home::{Device, Home},
    key::Key,
    now,
    pairing::{self, Link},
    screen::{Screen, harmless, row},
    seen::{Claims, Seen},
    trouble::{Trouble, Why},
};

/// Where a server listens that was started with nothing said.
const LOCAL: &str = "http://127.0.0.1:3000/v1";

pub fn enrol(home: &Home, screen: &Screen, asked: &Enrolment) -> Result<(), Trouble> {
    match Seen::at(&asked.what)? {
        Seen::Account(uri) => enrol_account(home, screen, &uri),
        Seen::Token { token, api } => {
            let api = api.or_else(|| asked.api.clone()).unwrap_or_else(|| LOCAL.to_owned());
            enrol_device(home, screen, asked, &token, &api)
        }
        Seen::Pairing { tenant, id, api } => pairing::pair(home, screen, asked, &Link { tenant, id, api }),
        Seen::SignIn(_) => Err(Trouble::new("this is a sign-in that waits for a device: `phone scan`")),
    }
}

fn enrol_account(home: &Home, screen: &Screen, uri: &str) -> Result<(), Trouble> {
    let (value, plainly) = code(screen, uri)?;
    home.change(|phone| {
        if !phone.codes.iter().any(|known| known == uri) {
            phone.codes.push(uri.to_owned());
        }
        Ok(())
    })?;
    screen.show(&value, &plainly)
}

/// The code of this moment, and how long it lasts.
fn code(screen: &Screen, uri: &str) -> Result<(Value, String), Trouble> {
    let wrong = |error| Trouble::new(format!("the otpauth address cannot be read: {error}"));
    let totp = totp_rs::Totp::from_url(uri).map_err(wrong)?;
    let now = now();
    let (code, left) = (totp.generate(now).to_string(), totp.next_step(now).saturating_sub(now));
    let account = match totp.issuer() {
        Some(issuer) => format!("{issuer}: {}", totp.account_name()),
        None => totp.account_name().to_owned(),
    };
    let (front, back) = code.split_at(code.len() / 2);
    let plainly = format!("{}   {} ({left} s left)", screen.bold(&format!("{front} {back}")), harmless(&account));
    Ok((json!({"account": account, "code": code, "secondsLeft": left}), plainly))
}

pub fn codes(home: &Home, screen: &Screen) -> Result<(), Trouble> {
    let phone = home.read()?;
    if phone.codes.is_empty() {
        return Err(Trouble::new("there are no accounts; run `phone enroll` with an otpauth address or its picture"));
    }
    for uri in &phone.codes {
        let (value, plainly) = code(screen, uri)?;
        screen.show(&value, &plainly)?;
    }
    Ok(())
}

fn enrol_device(home: &Home, screen: &Screen, asked: &Enrolment, token: &str, api: &str) -> Result<(), Trouble> {
    let claims = Claims::of(token)?;
    let device = Device {
        kind: asked.kind.clone(),
        api: api.trim_end_matches('/').to_owned(),
        tenant_id: claims.tenant,
        user_id: claims.user,
        user_authenticator_id: String::new(),
        platform: asked.platform.clone(),
        name: asked.name.clone(),
        key: String::new(),
    };
    let device = begun(home, device)?;
    let answer = Line::of(device.clone())?.enrol(token, &asked.model, asked.push_token.as_deref());
    let enrolled = settled(home, &device, answer)?;
    show_enrolled(screen, &enrolled, &device)
}

/// A key for this device. Kept before it is sent, and used again by the next try: an answer that was lost must not leave
/// a key enrolled that nobody has.
pub fn begun(home: &Home, device: Device) -> Result<Device, Trouble> {
    home.change(|phone| {
        if let Some(begun) = phone.devices.iter().find(|one| Device { key: String::new(), ..(*one).clone() } == device)
        {
            return Ok(begun.clone());
        }
        phone.devices.push(Device { key: Key::generate()?.1, ..device });
        phone.devices.last().cloned().ok_or_else(|| Trouble::new("nothing was kept"))
    })
}

/// Keeps what the server said of a device: who it is for, or, where it is refused, nothing of it.
pub fn settled(home: &Home, device: &Device, answer: Result<Value, Trouble>) -> Result<Value, Trouble> {
    home.change(|phone| {
        match &answer {
            Ok(enrolled) => {
                let text = |name: &str| enrolled[name].as_str().unwrap_or_default().to_owned();
                let kept = phone.devices.iter_mut().filter(|one| one.key == device.key);
                kept.for_each(|one| {
                    one.user_id = text("userId");
                    one.user_authenticator_id = text("userAuthenticatorId");
                });
            }
            Err(error) if error.why == Why::Unreachable => {}
            Err(_) => phone.devices.retain(|one| one.key != device.key),
        }
        Ok(answer)
    })?
}

/// For whom it is enrolled, and what it can do now.
pub fn show_enrolled(screen: &Screen, enrolled: &Value, device: &Device) -> Result<(), Trouble> {
    let user = harmless(enrolled["userId"].as_str().unwrap_or_default());
    let next = match device.kind.as_str() {
        "push" => "`phone watch` waits for sign-ins.",
        "qr-code" => "`phone scan` answers sign-ins that show a code.",
        _ => "`phone verify` signs in from here.",
    };
    screen.show(enrolled, &format!("Enrolled for {user} at {}. {next}", device.api))
}

pub fn devices(home: &Home, screen: &Screen) -> Result<(), Trouble> {
    let phone = home.read()?;
    if phone.devices.is_empty() {
        return Err(Trouble::new("no key is enrolled; run `phone enroll` with the token of an action"));
    }
    for device in phone.devices {
        let line = Line::of(device)?;
        let known = line.known();
        let device = &line.device;
        let state = match &known {
            Ok(known) => match known["lastVerifiedAt"].as_str() {
                Some(at) => format!("last used {}", harmless(at)),
                None => {
                    format!("enrolled {}, not used yet", harmless(known["verifiedAt"].as_str().unwrap_or_default()))
                }
            },
            Err(error) if error.why == Why::Forgotten => "not enrolled there (any more)".to_owned(),
            Err(error) => error.to_string(),
        };
        let plainly = [
            screen.bold(&format!("{} ({})\n", harmless(&device.user_id), device.kind)),
            row("Server", &device.api),
            row("Tenant", &device.tenant_id),
            row("Id", &device.user_authenticator_id),
            row("Name", &harmless(&device.name)),
            row("State", &state),
        ];
        let value = json!({
            "kind": device.kind, "userId": device.user_id, "userAuthenticatorId": device.user_authenticator_id,
            "tenantId": device.tenant_id, "api": device.api, "name": device.name, "platform": device.platform,
            "isEnrolled": known.is_ok(), "state": state,
        });
        screen.show(&value, &plainly.concat())?;
    }
    Ok(())
}

/// Forgets only what the server has forgotten.
pub fn remove(home: &Home, screen: &Screen, id: Option<&str>) -> Result<(), Trouble> {
    let is_meant = |device: &Device| id.is_none_or(|id| id == device.user_authenticator_id);
    let meant: Vec<_> = home.read()?.devices.into_iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Err(Trouble::new("there is no such key; `phone devices` lists them"));
    }
    for device in meant {
        let line = Line::of(device)?;
        let removed = line.remove(now())?;
        home.change(|phone| {
            phone.devices.retain(|one| one.key != line.device.key);
            Ok(())
        })?;
        let plainly = match removed["removedAuthenticatorId"].as_str() {
            Some(_) => format!("Removed: {} ({}).", harmless(&line.device.user_id), line.device.kind),
            None => format!(
                "Forgotten: {} ({}); the server did not know it.",
                harmless(&line.device.user_id),
                line.device.kind
            ),
        };
        screen.show(&removed, &plainly)?;
    }
    Ok(())
}
