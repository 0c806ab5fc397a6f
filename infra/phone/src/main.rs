//! `phone`: an authenticator app on the command line, with a key of its own.

mod api;
mod home;
mod key;

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use api::{Line, Said};
use clap::{Parser, Subcommand};
use data_encoding::BASE64URL_NOPAD;
use home::{Device, Home, Phone};
use key::Key;
use serde_json::{Value, json};

/// One line that says what is wrong.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
    pub fn about(path: &Path, cause: impl std::fmt::Display) -> Self {
        Self(format!("{}: {cause}", path.display()))
    }
}

/// An authenticator app: codes, pushes and QR codes, answered with a key that never leaves its file.
#[derive(Parser)]
#[command(version, about)]
struct Command {
    /// Where the phone is kept [default: ~/.countersign-phone].
    #[arg(long, env = "PHONE_HOME", value_name = "DIR", global = true)]
    home: Option<PathBuf>,
    /// Print JSON, a line each.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Enrol: an otpauth address, a picture of its QR code, or the token of an action (`track` gives it).
    Enroll {
        what: String,
        #[arg(long, env = "COUNTERSIGN_API", default_value = "http://127.0.0.1:3000/v1", value_name = "URL")]
        api: String,
        /// What the key is for: push, qr-code or in-app.
        #[arg(long, default_value = "push", value_parser = ["push", "qr-code", "in-app"])]
        kind: String,
        #[arg(long, default_value = "phone")]
        name: String,
        /// Where a push service would find it; the local server then prints what it would show.
        #[arg(long)]
        push_token: Option<String>,
    },
    /// Show the codes of this moment.
    Codes,
    /// Wait for pushes, show who asks, and answer.
    Watch {
        /// End after the first answer.
        #[arg(long)]
        once: bool,
    },
    /// Show what waits.
    Pending,
    /// Approve what waits.
    Approve {
        /// The number that stands on the other screen.
        #[arg(long)]
        number: Option<String>,
    },
    /// Deny what waits.
    Deny,
    /// Deny it, and say that it was not you.
    Report,
    /// Claim a QR code, or the tag that was touched: its text, or a picture of it.
    Scan {
        what: String,
        #[arg(long, conflicts_with = "deny")]
        approve: bool,
        #[arg(long)]
        deny: bool,
    },
    /// Sign in from the app itself; prints the token for its backend.
    Verify {
        action: String,
        #[arg(long)]
        idempotency_key: Option<String>,
    },
    /// Take the keys off their servers, and forget them.
    Remove,
}

fn main() -> ExitCode {
    let command = Command::parse();
    match run(command) {
        Ok(code) => code,
        Err(Trouble(line)) => {
            eprintln!("phone: {}", line.split_whitespace().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Trouble> {
    let home = Home::at(command.home)?;
    let mut phone = home.read()?;
    let show = |value: Value| if command.json { println!("{value}") } else { print_plainly(&value) };
    match command.what {
        What::Enroll { what, api, kind, name, push_token } => {
            let what = text_of(&what)?;
            if what.starts_with("otpauth://") {
                show(enrol_codes(&home, phone, what)?);
            } else {
                let device = Device { kind, api, ..Device::new(tenant_of(&what)?) };
                show(enrol_device(&home, phone, device, (&what, &name, push_token.as_deref()))?);
            }
        }
        What::Codes => phone.codes.iter().try_for_each(|uri| code_of(uri).map(&show))?,
        What::Pending => {
            for line in lines(&phone, "push")? {
                line.pending()?.into_iter().for_each(&show);
            }
        }
        What::Watch { once } => return watch(&lines(&phone, "push")?, once, &show),
        What::Approve { number } => return answer_pending(&phone, (true, false), number.as_deref(), &show),
        What::Deny => return answer_pending(&phone, (false, false), None, &show),
        What::Report => return answer_pending(&phone, (false, true), None, &show),
        What::Scan { what, approve, deny } => return scan(&phone, &text_of(&what)?, (approve, deny), &show),
        What::Verify { action, idempotency_key } => {
            let line = lines(&phone, "in-app")?.into_iter().next_back().ok_or_else(|| none("in-app"))?;
            show(line.verify(&action, idempotency_key.as_deref())?);
        }
        What::Remove => {
            for device in std::mem::take(&mut phone.devices) {
                show(Line::of(device)?.remove(now())?);
            }
            home.write(&phone)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Device {
    fn new(tenant_id: String) -> Self {
        let empty = String::new;
        Self { kind: empty(), api: empty(), tenant_id, user_id: empty(), user_authenticator_id: empty(), key: empty() }
    }
}

fn none(kind: &str) -> Trouble {
    Trouble::new(format!("no {kind} key is enrolled; run `phone enroll <token> --kind {kind}`"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn print_plainly(value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        println!("{name:<24}{value}");
    }
    println!();
}

/// What was given, or what the QR code says where it is a picture.
fn text_of(what: &str) -> Result<String, Trouble> {
    let path = Path::new(what);
    if !path.is_file() {
        return Ok(what.trim().to_owned());
    }
    let picture = image::open(path).map_err(|error| Trouble::about(path, error))?.to_luma8();
    let mut prepared = rqrr::PreparedImage::prepare(picture);
    let grid =
        prepared.detect_grids().into_iter().next().ok_or_else(|| Trouble::about(path, "there is no QR code in it"))?;
    grid.decode().map(|(_, text)| text).map_err(|error| Trouble::about(path, error))
}

/// The tenant that a token names; the server checks the token, the phone only reads whom to ask.
fn tenant_of(token: &str) -> Result<String, Trouble> {
    let claims = token.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
    let claims: Option<Value> = claims.and_then(|json| serde_json::from_slice(&json).ok());
    let tenant = claims.as_ref().and_then(|claims| claims["other"]["tenantId"].as_str().or(claims["aud"].as_str()));
    tenant.map(str::to_owned).ok_or_else(|| {
        Trouble::new(
            "this is no otpauth address, no picture of one, and no token of an action (`token` in the answer of track)",
        )
    })
}

fn enrol_codes(home: &Home, mut phone: Phone, uri: String) -> Result<Value, Trouble> {
    code_of(&uri)?;
    if !phone.codes.contains(&uri) {
        phone.codes.push(uri.clone());
    }
    home.write(&phone)?;
    code_of(&uri)
}

fn code_of(uri: &str) -> Result<Value, Trouble> {
    let wrong = |error: String| Trouble::new(format!("the otpauth address cannot be read: {error}"));
    let totp = totp_rs::Totp::from_url(uri).map_err(|error| wrong(error.to_string()))?;
    let now = now();
    let label = uri.split(['/', '?']).nth(3).unwrap_or_default();
    Ok(json!({"account": label, "code": totp.generate(now).to_string(), "secondsLeft": 30 - now % 30}))
}

fn enrol_device(
    home: &Home,
    mut phone: Phone,
    device: Device,
    (token, name, push_token): (&str, &str, Option<&str>),
) -> Result<Value, Trouble> {
    let (_, key) = Key::generate()?;
    // Kept before it is sent: an answer that is lost must not leave a key enrolled that nobody has.
    phone.devices.push(Device { key, ..device });
    home.write(&phone)?;
    let Some(new) = phone.devices.last_mut() else { return Err(Trouble::new("nothing was kept")) };
    let enrolled = Line::of(new.clone())?.enrol(token, name, push_token)?;
    new.user_id = enrolled["userId"].as_str().unwrap_or_default().to_owned();
    new.user_authenticator_id = enrolled["userAuthenticatorId"].as_str().unwrap_or_default().to_owned();
    home.write(&phone)?;
    Ok(enrolled)
}

fn lines(phone: &Phone, kind: &str) -> Result<Vec<Line>, Trouble> {
    let devices = phone.devices.iter().filter(|device| device.kind == kind && !device.user_id.is_empty());
    let lines = devices.cloned().map(Line::of).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() { Err(none(kind)) } else { Ok(lines) }
}

/// Shows what became of an answer; a number that was wrong is exit code 3.
fn said(said: &Said, show: &impl Fn(Value)) -> ExitCode {
    show(json!({"isVerified": said.is_verified, "failureReason": said.failure}));
    match said.failure.as_deref() {
        Some("MAX_ATTEMPTS_EXCEEDED") => eprintln!("phone: too many wrong numbers; wait five minutes"),
        Some(_) => eprintln!("phone: that is not the number on the other screen"),
        None => return ExitCode::SUCCESS,
    }
    ExitCode::from(3)
}

fn answer_pending(
    phone: &Phone,
    decision: (bool, bool),
    number: Option<&str>,
    show: &impl Fn(Value),
) -> Result<ExitCode, Trouble> {
    for line in lines(phone, "push")? {
        if let Some(shown) = line.pending()? {
            return Ok(said(&line.answer(&shown, decision, number)?, show));
        }
    }
    Err(Trouble::new("nothing waits for an answer"))
}

fn scan(phone: &Phone, what: &str, (approve, deny): (bool, bool), show: &impl Fn(Value)) -> Result<ExitCode, Trouble> {
    let challenge = what.strip_prefix("countersign://claim/").unwrap_or(what);
    let line = lines(phone, "qr-code")?.into_iter().next_back().ok_or_else(|| none("qr-code"))?;
    let shown = line.claim(challenge)?;
    show(shown.clone());
    let decision = if approve || deny { Some((approve, false)) } else { ask("Approve this sign-in?")? };
    match decision {
        Some(decision) => Ok(said(&line.answer(&shown, decision, None)?, show)),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn prompt(question: &str) -> Result<Option<String>, Trouble> {
    print!("{question} ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).map_err(|error| Trouble::new(error.to_string()))?;
    Ok((read > 0 && !line.trim().is_empty()).then(|| line.trim().to_owned()))
}

/// Approved and reported, as the person says; nothing where they leave it be.
fn ask(question: &str) -> Result<Option<(bool, bool)>, Trouble> {
    let answer = prompt(&format!("{question} [a]pprove, [d]eny, [n]ot me, Enter to leave it:"))?;
    Ok(match answer.as_deref().and_then(|answer| answer.chars().next()) {
        Some('a' | 'A' | 'y' | 'Y') => Some((true, false)),
        Some('d' | 'D') => Some((false, false)),
        Some('n' | 'N') => Some((false, true)),
        _ => None,
    })
}

/// Asks every second, shows each question once, and answers as the person says.
fn watch(lines: &[Line], once: bool, show: &impl Fn(Value)) -> Result<ExitCode, Trouble> {
    eprintln!("waiting for pushes; Ctrl-C ends it");
    let (mut seen, mut was_away) = (Vec::new(), false);
    loop {
        for line in lines {
            let shown = match line.pending() {
                Ok(shown) => shown,
                Err(Trouble(why)) => {
                    if !was_away {
                        eprintln!("phone: {why}; trying on");
                    }
                    was_away = true;
                    continue;
                }
            };
            was_away = false;
            let Some(shown) = shown.filter(|shown| !seen.contains(&shown["challengeId"])) else { continue };
            seen.push(shown["challengeId"].clone());
            show(shown.clone());
            let Some(decision) = ask("Is it you?")? else { continue };
            let is_asked = decision.0 && shown["numberMatching"] == true;
            let number = if is_asked { prompt("The number on the other screen:")? } else { None };
            let code = said(&line.answer(&shown, decision, number.as_deref())?, show);
            if once {
                return Ok(code);
            }
        }
        thread::sleep(Duration::from_secs(1));
    }
}
