//! `phone`: an authenticator app on the command line, with a key of its own.

mod answering;
mod api;
mod home;
mod key;
mod keyboard;
mod keys;
mod ndef;
mod pairing;
mod screen;
mod seen;
mod trouble;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use answering::{Asking, End, Watch};
use api::{Choice, Line};
use clap::{Args, Parser, Subcommand};
use home::{Claimed, Home, Phone};
use keyboard::Keyboard;
use screen::{Screen, question};
use seen::Seen;
use serde_json::Value;
use trouble::{Trouble, Why};

/// An authenticator app: codes, pushes and QR codes, answered with a key that never leaves its file.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "\
Exit codes:
    0  done
    1  something is wrong, and a line says what
    2  the command line is wrong
    3  the number was wrong, or too many were
    4  nothing waits
    5  it is over: answered elsewhere, or its time has passed
    6  the server cannot be reached
    7  the server does not know the key
  130  Ctrl-C

With --json each result is one line on standard output, and `watch`, `scan` and `approve` read lines: a, d or n
(approve, deny, not me), then the number where `numberMatching` is true."
)]
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
    /// Enrol: an otpauth address, the link of a page that pairs a phone, the token of an action, or the answer of track.
    Enroll(Enrolment),
    /// Show the codes of this moment.
    Codes,
    /// Show what is enrolled where.
    Devices,
    /// Wait for pushes, show who asks, and answer.
    Watch {
        /// End after the first question.
        #[arg(long)]
        once: bool,
    },
    /// Show what waits.
    Pending,
    /// Approve what waits.
    Approve {
        /// The number on the other screen; asked for where it is wanted.
        #[arg(long)]
        number: Option<String>,
    },
    /// Deny what waits.
    Deny,
    /// Deny it, and say that it was not you: no pushes for a quarter of an hour.
    Report,
    /// Claim a sign-in that shows a QR code: a picture of it, or a file with what the NFC tag says, or its text.
    Scan {
        what: String,
        /// Approve it without asking.
        #[arg(long, conflicts_with = "deny")]
        approve: bool,
        /// Deny it without asking.
        #[arg(long)]
        deny: bool,
    },
    /// Sign in from the app itself; prints the token for its backend.
    Verify {
        action: String,
        #[arg(long)]
        idempotency_key: Option<String>,
    },
    /// Tell the server a new push token.
    Update {
        #[arg(long)]
        push_token: String,
    },
    /// Take keys off their servers, and forget them.
    Remove {
        /// The one to remove (`phone devices` lists them) [default: all].
        id: Option<String>,
    },
}

#[derive(Args)]
struct Enrolment {
    /// The text itself, a picture of its QR code, a file that holds it, or `-` for standard input.
    what: String,
    /// The server, where the text does not say it.
    #[arg(long, env = "COUNTERSIGN_API", value_name = "URL")]
    api: Option<String>,
    /// What the key is for: push, qr-code or in-app.
    #[arg(long, default_value = "push", value_parser = ["push", "qr-code", "in-app"])]
    kind: String,
    /// What its owner knows the device by.
    #[arg(long, default_value = "Phone on the command line")]
    name: String,
    /// Whose app it plays.
    #[arg(long, default_value = "android", value_parser = ["android", "ios"])]
    platform: String,
    #[arg(long, default_value = concat!("countersign-phone ", env!("CARGO_PKG_VERSION")))]
    model: String,
    /// Where a push service would find it; a local server then prints what it would show.
    #[arg(long)]
    push_token: Option<String>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    keyboard::end_when_told();
    match run(command) {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("phone: {trouble}");
            trouble.why.into()
        }
    }
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn run(command: Command) -> Result<ExitCode, Trouble> {
    let home = Home::at(command.home)?;
    let screen = Screen::new(command.json);
    let lines = |kind| lines(&home.read()?, kind);
    match command.what {
        What::Enroll(enrolment) => keys::enrol(&home, &screen, &enrolment)?,
        What::Codes => keys::codes(&home, &screen)?,
        What::Devices => keys::devices(&home, &screen)?,
        What::Watch { once } => return Watch::new(lines("push")?, &screen, &Keyboard::new()).run(once),
        What::Pending => {
            let (_, shown) = waiting(&home)?;
            screen.show(&shown, &question(&screen, &shown, now()))?;
        }
        What::Approve { number } => return answer(&home, &screen, Choice::Approve, number.as_deref()),
        What::Deny => return answer(&home, &screen, Choice::Deny, None),
        What::Report => return answer(&home, &screen, Choice::Report, None),
        What::Scan { what, approve, deny } => {
            let decision = approve.then_some(Choice::Approve).or(deny.then_some(Choice::Deny));
            return scan(&home, &screen, &what, decision);
        }
        What::Verify { action, idempotency_key } => {
            let said = newest(lines("in-app")?)?.verify(&action, idempotency_key.as_deref())?;
            screen.show(&said, said["token"].as_str().unwrap_or_default())?;
        }
        What::Update { push_token } => {
            for line in lines("push")? {
                let said = line.update(&push_token)?;
                screen.show(&said, &format!("The server has the new push token of {}.", line.device.user_id))?;
            }
        }
        What::Remove { id } => keys::remove(&home, &screen, id.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The devices that are enrolled for this.
fn lines(phone: &Phone, kind: &str) -> Result<Vec<Line>, Trouble> {
    let enrolled = |device: &&home::Device| device.kind == kind && !device.user_authenticator_id.is_empty();
    let lines = phone.devices.iter().filter(enrolled).cloned().map(Line::of).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(Trouble::new(format!("no {kind} key is enrolled; run `phone enroll TOKEN --kind {kind}`")));
    }
    Ok(lines)
}

fn newest(lines: Vec<Line>) -> Result<Line, Trouble> {
    lines.into_iter().next_back().ok_or_else(|| Trouble::new("nothing is enrolled"))
}

/// What waits: a sign-in that was scanned and left, or else a push.
fn waiting(home: &Home) -> Result<(Line, Value), Trouble> {
    let phone = home.read()?;
    if let Some(Claimed { user_authenticator_id, shown }) = &phone.claimed
        && shown["expiresAt"].as_u64().is_some_and(|end| now() < end)
        && let Some(device) = phone.devices.iter().find(|one| one.user_authenticator_id == *user_authenticator_id)
    {
        return Ok((Line::of(device.clone())?, shown.clone()));
    }
    let mut trouble = Trouble::because(Why::NothingWaits, "nothing waits for an answer");
    for line in lines(&phone, "push")?.into_iter().rev() {
        match line.pending() {
            Ok(Some(shown)) => return Ok((line, shown)),
            Ok(None) => {}
            Err(error) => trouble = error,
        }
    }
    Err(trouble)
}

fn answer(home: &Home, screen: &Screen, decision: Choice, number: Option<&str>) -> Result<ExitCode, Trouble> {
    let (line, shown) = waiting(home)?;
    screen.say(&question(screen, &shown, now()))?;
    let asking = Asking { line: &line, shown: &shown, screen, keyboard: &Keyboard::new() };
    let end = if decision == Choice::Approve { asking.approve(number)? } else { asking.give(decision, None)? };
    settle(home, &shown, end)
}

/// Forgets what was scanned, once it has come to an end.
fn settle(home: &Home, shown: &Value, end: End) -> Result<ExitCode, Trouble> {
    let is_this = |claimed: &Claimed| claimed.shown["challengeId"] == shown["challengeId"];
    if matches!(end, End::Said(_) | End::Over) && home.read()?.claimed.as_ref().is_some_and(is_this) {
        home.change(|phone| {
            phone.claimed = None;
            Ok(())
        })?;
    }
    Ok(end.into())
}

fn scan(home: &Home, screen: &Screen, what: &str, decision: Option<Choice>) -> Result<ExitCode, Trouble> {
    let challenge = match Seen::at(what)? {
        Seen::SignIn(challenge) => challenge,
        Seen::Account(_) | Seen::Token { .. } | Seen::Pairing { .. } => {
            return Err(Trouble::new("this is nothing to sign in with, but something to enrol: `phone enroll`"));
        }
    };
    let line = newest(lines(&home.read()?, "qr-code")?)?;
    let shown = line.claim(&challenge)?;
    home.change(|phone| {
        let user_authenticator_id = line.device.user_authenticator_id.clone();
        phone.claimed = Some(Claimed { user_authenticator_id, shown: shown.clone() });
        Ok(())
    })?;
    let asking = Asking { line: &line, shown: &shown, screen, keyboard: &Keyboard::new() };
    let end = match decision {
        None => asking.ask()?,
        Some(decision) => {
            screen.show(&shown, &question(screen, &shown, now()))?;
            asking.give(decision, None)?
        }
    };
    settle(home, &shown, end)
}
