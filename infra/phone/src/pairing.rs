//! Pairing by the link of a page: the phone shows a number, and waits until the page has said that it is its user's.

use std::{thread::sleep, time::Duration};

use serde_json::Value;

use crate::{
    Enrolment,
    api::Line,
    home::{Device, Home},
    keys::{begun, settled, show_enrolled},
    screen::Screen,
    trouble::{Trouble, Why},
};

/// What the picture of the page says.
pub struct Link {
    pub tenant: String,
    pub id: String,
    pub api: String,
}

/// Between two questions to the server.
const PAUSE: Duration = Duration::from_secs(1);

/// A server that is away may come back; a link lives ten minutes, and this asks no longer.
const MOST_QUESTIONS: usize = 660;

pub fn pair(home: &Home, screen: &Screen, asked: &Enrolment, link: &Link) -> Result<(), Trouble> {
    if asked.kind != "push" {
        return Err(Trouble::new("a link pairs a phone for pushes; keys of other kinds are enrolled with a token"));
    }
    let device = Device {
        kind: asked.kind.clone(),
        api: link.api.clone(),
        tenant_id: link.tenant.clone(),
        user_id: String::new(),
        user_authenticator_id: String::new(),
        platform: asked.platform.clone(),
        name: asked.name.clone(),
        key: String::new(),
    };
    let device = begun(home, device)?;
    let line = Line::of(device.clone())?;
    let answer = line.redeem(&link.id, &asked.model, asked.push_token.as_deref());
    let answer = answer.and_then(|answer| wait(screen, &line, link, answer));
    let enrolled = settled(home, &device, answer)?;
    show_enrolled(screen, &enrolled, &device)
}

/// Shows the number, and waits for the word of the page.
fn wait(screen: &Screen, line: &Line, link: &Link, answer: Value) -> Result<Value, Trouble> {
    let mut answer = answer;
    if answer["state"] == "WAITING" {
        let code = line.pairing_code(&link.id);
        answer["code"] = code.clone().into();
        let (front, back) = code.split_at(3);
        let number = screen.bold(&format!("{front} {back}"));
        screen
            .show(&answer, &format!("{number}   Does the page show this number? Say there that this is your phone."))?;
    }
    for _ in 0..MOST_QUESTIONS {
        match answer["state"].as_str() {
            Some("WAITING") => {}
            Some("CONFIRMED") => return Ok(answer),
            Some("REFUSED") => return Err(Trouble::because(Why::Over, "the page says that this is not its phone")),
            _ => return Err(Trouble::because(Why::Over, "nobody said in time that this is their phone")),
        }
        sleep(PAUSE);
        match line.pairing_status(&link.id) {
            Ok(now) => answer = now,
            // It may be back in a moment.
            Err(error) if error.why == Why::Unreachable => {}
            Err(error) => return Err(error),
        }
    }
    Err(Trouble::because(Why::Unreachable, "the server did not say what the page said"))
}
