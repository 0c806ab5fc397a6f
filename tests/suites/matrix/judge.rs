//! What is asserted of a cell: the answer, the rows, and the state of every action.

use std::collections::{BTreeMap, BTreeSet};

use countersign_tests::{http::Answer, otp};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    ground::{Ground, text},
    reason::Reason,
    way::{Does, Way, With},
};

/// The user as it was when everything honest had been done.
pub struct Before {
    rows: BTreeMap<(String, String), Value>,
    actions: Value,
}

impl Before {
    pub async fn of(ground: &Ground) -> Self {
        Self { rows: ground.rows(), actions: ground.actions().await }
    }
}

impl Ground {
    /// What is wrong with a refusal; nothing, where all is right.
    pub async fn faults_of_refusal(&self, answer: &Answer, reason: Reason, before: &Before) -> Vec<String> {
        let mut faults = self.faults_of_answer(answer, reason);
        // A new action of a new life, or of another user, is what track is for.
        if !matches!(self.way, Way::TrackAgain | Way::TrackFromLaptop) {
            faults.extend(self.changes(before).await);
            let actions = self.actions().await;
            if actions != before.actions {
                faults.push(format!("the actions were {} and are {actions}", before.actions));
            }
        }
        if let Some(id) = self.challenge["challengeId"].as_str().filter(|_| self.way.does() == Does::Succeeds) {
            let receipt = self.world.http.get(&format!("/v1/challenges/{id}/receipt"), &self.world.key()).await;
            if receipt.status == 200 && receipt.json()["state"] == "VERIFIED" {
                faults.push("the challenge was approved".into());
            }
        }
        faults
    }

    fn faults_of_answer(&self, answer: &Answer, reason: Reason) -> Vec<String> {
        let mut faults = Vec::new();
        let text = answer.text();
        // They may say, as before, that there is nothing; what they show is looked at below.
        let may_be_empty = matches!(self.way, Way::ListNew | Way::SettingsNew) && reason.is_enrolled_since();
        if self.went_on(answer) && !may_be_empty {
            faults.push(format!("it went on: {} {}", answer.status, shortened(&text)));
        }
        let is_dead = reason.is_reset() || matches!(reason, Reason::Deleted | Reason::AnotherLife);
        if is_dead && self.way.carries_token() && !matches!(answer.status.as_u16(), 401 | 403) {
            faults.push(format!("a dead token is answered {} {}", answer.status, shortened(&text)));
        }
        if answer.status.is_server_error() {
            faults.push(format!("{}: {}", answer.status, shortened(&text)));
        }
        let tokens = self.new_tokens(answer);
        if !tokens.is_empty() && self.way != Way::TrackFromLaptop {
            faults.push("the answer holds a new token".into());
        }
        let mut shown = self.shown_in(answer);
        if self.way.does() == Does::Changes {
            // What the form itself names comes back in the address of the page.
            shown.retain(|mark| *mark != self.phone.id && *mark != "laptop");
        }
        // A user who has proved who they are sees their own page, also where the method is switched off.
        let is_own = self.way.with() == With::Proof && reason.is_method_off();
        let is_seen = self.way.does() == Does::Shows || self.way.is_on_page() && !is_own;
        if is_seen && !shown.is_empty() {
            faults.push(format!("the answer shows {shown:?}"));
        }
        let secrets = [&self.secret, &self.offer].into_iter().chain(&self.codes);
        let plain = text.replace(' ', "");
        if secrets.filter(|secret| !secret.is_empty()).any(|secret| plain.contains(secret.as_str())) {
            faults.push("the answer holds a secret".into());
        }
        if answer.status.is_client_error() && !text.starts_with("<!doctype") {
            faults.extend(contract(answer));
        }
        faults
    }

    /// Rows that are not what they were. Guesses that were spent are no change.
    async fn changes(&self, before: &Before) -> Vec<String> {
        let guesses = guesses().await;
        let of_guess = |sk: &str, name: &str| sk == "USER" && guesses.contains(name);
        let (old, new) = (&before.rows, self.rows());
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let mut faults = Vec::new();
        for key in keys {
            let (then, now) = (old.get(key), new.get(key));
            let changed = changed(then, now).into_iter().filter(|name| !of_guess(&key.1, name));
            let changed: Vec<String> = changed.collect();
            match (then, now) {
                (None, Some(_)) => faults.push(format!("{} was written", key.1)),
                (Some(_), None) => faults.push(format!("{} was removed", key.1)),
                _ if !changed.is_empty() => faults.push(format!("{} was changed: {}", key.1, changed.join(", "))),
                _ => {}
            }
        }
        faults
    }
}

/// Attributes in which two versions of an item differ.
fn changed(then: Option<&Value>, now: Option<&Value>) -> BTreeSet<String> {
    let fields = |item: Option<&Value>| item.and_then(Value::as_object).cloned().unwrap_or_default();
    let (then, now) = (fields(then), fields(now));
    then.keys().chain(now.keys()).filter(|name| then.get(*name) != now.get(*name)).cloned().collect()
}

/// The contract's error body: both names of the code, and what to do.
fn contract(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
    let is_right = body["errorCode"].is_string()
        && body["error"] == body["errorCode"]
        && !text(&body["errorDescription"]).is_empty()
        && answer.headers.get("content-type").is_some_and(|value| value == "application/json");
    (!is_right).then(|| format!("not the contract's error: {} {}", answer.status, shortened(&answer.text())))
}

fn shortened(text: &str) -> String {
    text.chars().take(160).collect()
}

/// Attributes of the user that a wrong guess changes, learnt from wrong guesses: a slot that was spent stays spent.
async fn guesses() -> &'static BTreeSet<String> {
    static LEARNT: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    LEARNT
        .get_or_init(async || {
            let mut learnt = BTreeSet::new();
            for way in [Way::Totp, Way::RecoveryOnPage, Way::PushWithNumber] {
                let mut ground = Ground::of(way, None).await;
                ground.track(None).await;
                ground.begin().await.expect("an honest beginning");
                let before = ground.rows();
                match way {
                    Way::Totp => drop(
                        ground.world.verify(&ground.token, &otp::wrong(&ground.secret, ground.world.now())).await.ok(),
                    ),
                    Way::RecoveryOnPage => {
                        // As long as a real one.
                        let wrong: String = ground.codes[0].chars().map(|c| if c == '-' { c } else { '0' }).collect();
                        ground.send("/challenge", &[("way", "recovery"), ("recovery", &wrong)]).await;
                    }
                    _ => {
                        let right = text(&ground.challenge["verificationCode"]);
                        ground.challenge["verificationCode"] =
                            json!(if right == "000000" { "111111" } else { "000000" });
                        ground.approve().await.ok();
                    }
                }
                let after = ground.rows();
                let user = |rows: &BTreeMap<(String, String), Value>| {
                    rows.iter().find(|((_, sk), _)| sk == "USER").map(|(_, item)| item.clone())
                };
                learnt.extend(changed(user(&before).as_ref(), user(&after).as_ref()));
                for (key, item) in &after {
                    assert!(
                        key.1 == "USER" || before.get(key) == Some(item),
                        "a wrong guess at {way:?} changed {key:?}"
                    );
                }
            }
            assert!((1..=6).contains(&learnt.len()), "a wrong guess changes {learnt:?}");
            learnt
        })
        .await
}
