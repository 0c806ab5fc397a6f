//! Users, backends and attackers at once, over real HTTP, by a schedule that a seed brings back.

use std::sync::Arc;

use countersign_tests::{World, faults::Draw};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    calls::{ON_LAPTOP, Run, SIGN_IN, Secret, Ticket},
    check::{Event, Proof, What},
};

pub const USERS: usize = 3;
const CLIENTS: u64 = 5;
const PHASES: usize = 5;
const CALLS: usize = 8;

/// One kind of action has a rule, so that devices are known there. It is made before the store makes mistakes.
pub async fn configured(world: World) -> World {
    let (http, key) = (&world.http, world.management());
    let kind = json!({"actionCode": ON_LAPTOP});
    http.post("/v1/management/action-configurations", &key, kind).await.ok();
    let rule = json!({"name": "r", "priority": 0, "type": "CHALLENGE", "conditions": {"var": "device.isNew"}});
    http.post(&format!("/v1/management/action-configurations/{ON_LAPTOP}/rules"), &key, rule).await.ok();
    world.clock.advance(60);
    world
}

/// Plays a schedule in a `configured` world and gives back its history. With `percent`, so many of the store's calls fail until the end.
pub async fn play(world: World, seed: u64, percent: u64) -> Vec<Event> {
    let run = Arc::new(Run::over(world));
    run.world.faults.weather(seed, percent);
    let mut draw = Draw::from(seed);
    for user in 0..USERS {
        run.newcomer(user).await;
        run.remembered(user).await;
    }
    for _ in 0..PHASES {
        run.world.clock.advance(*draw.pick(&[30, 30, 60, 301, 301]));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (run, draw) = (run.clone(), Draw::from(draw.number() ^ client));
            clients.spawn(async move { run.client(draw).await });
        }
        clients.join_all().await;
    }
    run.world.faults.weather(seed, 0);
    run.healed().await;
    run.late().await;
    run.patient().await;
    run.history()
}

impl Run {
    async fn client(self: Arc<Self>, mut draw: Draw) {
        for _ in 0..CALLS {
            self.clone().step(&mut draw).await;
        }
    }

    /// Somebody whose laptop is remembered from now on.
    async fn remembered(&self, user: usize) {
        self.track_as(user, ON_LAPTOP).await;
        let path = format!("/v1/users/user{user}/devices/laptop");
        self.world.http.patch(&path, &self.world.key(), json!({"rememberedUntil": "2026-12-20T00:00:00Z"})).await;
    }

    /// Somebody who has nothing yet.
    async fn newcomer(&self, user: usize) {
        if let Some(ticket) = self.track(user).await {
            self.enrolled(&ticket).await;
        }
    }

    async fn enrolled(&self, ticket: &Ticket) {
        let Some(secret) = self.enrol(ticket).await else { return };
        let (code, proof) = self.code(&secret, 0);
        self.verify(ticket, &code, Some(proof), Some(&secret), (false, false)).await;
    }

    async fn step(self: Arc<Self>, draw: &mut Draw) {
        let user = usize::try_from(draw.below(USERS as u64)).expect("a user");
        let tickets: Vec<Ticket> =
            self.known(|known| known.tickets.iter().filter(|ticket| ticket.user == user).cloned().collect());
        let secrets: Vec<Secret> =
            self.known(|known| known.confirmed.iter().filter(|secret| secret.user == user).cloned().collect());
        if tickets.is_empty() {
            self.track(user).await;
            return;
        }
        // The newest are the most likely to be good.
        let recent = if draw.below(4) > 0 { &tickets[tickets.len().saturating_sub(4)..] } else { &tickets[..] };
        let ticket = draw.pick(recent).clone();
        let dice = draw.below(110);
        match dice {
            0..10 => drop(self.track(user).await),
            10..20 => {
                if secrets.is_empty() {
                    self.newcomer(user).await;
                    self.remembered(user).await;
                } else if ticket.may_enrol && secrets.len() < 3 {
                    self.enrolled(&ticket).await;
                }
            }
            20..30 if secrets.is_empty() => self.newcomer(user).await,
            20..62 if !secrets.is_empty() => {
                let (code, proof) = self.code(draw.pick(&secrets), -i64::from(draw.below(4) == 0));
                if dice < 40 {
                    self.verify(&ticket, &code, Some(proof), None, (false, false)).await;
                } else {
                    self.burst(user, (4, SIGN_IN), &[(code, Some(proof))]).await;
                }
            }
            // Wrong ones, wherever one can guess.
            62..64 => {
                let Some(ticket) = self.track(user).await else { return };
                let mut guesses = JoinSet::new();
                for _ in 0..if draw.below(2) == 0 { 14 } else { 3 } {
                    let (run, ticket) = (self.clone(), ticket.clone());
                    guesses.spawn(async move { run.recover(&ticket, None).await });
                }
                guesses.join_all().await;
            }
            64..68 => {
                let wrong = (self.wrong(user), None);
                let mut codes = vec![wrong; if draw.below(5) == 0 { 14 } else { 2 }];
                if let Some(secret) = secrets.last().filter(|_| draw.below(2) == 0) {
                    let (code, proof) = self.code(secret, 0);
                    codes.push((code, Some(proof)));
                }
                self.burst(user, (1, *draw.pick(&[SIGN_IN, ON_LAPTOP])), &codes).await;
            }
            68..76 => {
                let used: Vec<_> =
                    self.known(|known| known.used.iter().filter(|(of, ..)| *of == user).cloned().collect());
                if !used.is_empty() {
                    let (_, code, proof) = draw.pick(&used).clone();
                    self.verify(&ticket, &code, Some(proof), None, (false, false)).await;
                }
            }
            76..84 => {
                let start = self.tick();
                let to = (*draw.pick(&["CHALLENGE_FAILED", "BLOCK"])).to_owned();
                let path = format!("/v1/users/user{user}/actions/{}/k{}", ticket.code, ticket.action);
                let answer = self.world.http.patch(&path, &self.world.key(), json!({ "state": to })).await;
                let done = self.done(user, &answer);
                self.note(user, ticket.action, start, What::Moved { to, done });
                if let Some(secret) = secrets.first() {
                    let (code, proof) = self.code(secret, 0);
                    self.verify(&ticket, &code, Some(proof), None, (false, false)).await;
                }
            }
            84..95 => self.see(&ticket, draw.below(2) == 0).await,
            95..97 => drop(self.list(user).await),
            97..99 if !secrets.is_empty() => {
                let mut authenticator = draw.pick(&secrets).authenticator.clone();
                let phone = self.known(|known| known.phones.iter().rev().find(|(of, _)| *of == user).cloned());
                if let Some((_, phone)) = phone.filter(|_| draw.below(3) == 0) {
                    authenticator = phone.id.clone();
                }
                let start = self.tick();
                let path = format!("/v1/users/user{user}/authenticators/{authenticator}");
                let done = self.done(user, &self.world.http.delete(&path, &self.world.key()).await);
                self.known(|known| known.confirmed.retain(|s| s.authenticator != authenticator || done == Some(false)));
                self.note(user, usize::MAX, start, What::Removed { authenticator, done });
                self.list(user).await;
            }
            99..105 => {
                let answers: [&[bool]; 3] = [&[true, true], &[true, false], &[false, true, true]];
                let answers: &&[bool] = draw.pick(&answers);
                self.ask_phones(user, answers).await;
            }
            105..109 => self.recover_all(user).await,
            _ => {
                let (start, key, path) = (self.tick(), self.world.key(), format!("/v1/users/user{user}"));
                if draw.below(2) == 0 {
                    let answer = self.world.http.post(&format!("{path}/reset"), &key, json!({})).await;
                    let done = self.done(user, &answer);
                    self.note(user, usize::MAX, start, What::Reset { done });
                    self.known(|known| known.confirmed.retain(|secret| secret.user != user || done == Some(false)));
                    self.list(user).await;
                    return;
                }
                let answer = self.world.http.delete(&path, &key).await;
                let done = self.done(user, &answer);
                self.note(user, usize::MAX, start, What::Deleted { done });
                // Its tokens are kept: they are what is tried next.
                self.known(|known| known.confirmed.retain(|secret| secret.user != user || done == Some(false)));
            }
        }
    }

    /// Codes for so many actions each, all at the same time.
    async fn burst(
        self: Arc<Self>,
        user: usize,
        (actions, kind): (usize, &'static str),
        codes: &[(String, Option<Proof>)],
    ) {
        let mut all = JoinSet::new();
        for _ in 0..actions {
            let Some(ticket) = self.track_as(user, kind).await else { continue };
            for (code, proof) in codes.iter().cloned() {
                let (run, ticket) = (self.clone(), ticket.clone());
                all.spawn(async move {
                    run.verify(&ticket, &code, proof, None, (false, false)).await;
                    run.see(&ticket, true).await;
                });
            }
        }
        all.join_all().await;
    }

    /// I9: the weather has cleared and the budgets are free. Everybody who is enrolled gets in, once per code.
    async fn healed(&self) {
        self.world.clock.advance(330);
        for user in 0..USERS {
            for id in self.list(user).await {
                let secret = self.known(|known| known.offered.iter().find(|s| s.authenticator == id).cloned());
                let Some((secret, ticket)) = secret.zip(self.track(user).await) else { continue };
                let (code, proof) = self.code(&secret, 0);
                self.verify(&ticket, &code, Some(proof.clone()), None, (true, false)).await;
                self.see(&ticket, true).await;
                if let Some(other) = self.track(user).await {
                    self.verify(&other, &code, Some(proof), None, (false, false)).await;
                }
            }
        }
        let tickets = self.known(|known| known.tickets.clone());
        for ticket in tickets {
            self.see(&ticket, false).await;
        }
    }

    /// A user who comes back with a token that outlives its action.
    async fn late(&self) {
        let Some(mut ticket) = self.track(USERS).await else { return };
        for (wait, is_late) in [(0, false), (590, false), (15, true)] {
            self.world.clock.advance(if is_late { 0 } else { wait });
            let Some(secret) = self.enrol(&ticket).await else { return };
            self.world.clock.advance(if is_late { wait } else { 0 });
            let (code, proof) = self.code(&secret, 0);
            let verified = self.verify(&ticket, &code, Some(proof), Some(&secret), (!is_late, is_late)).await;
            let Some(next) = verified else { return };
            ticket = next;
        }
    }

    /// Somebody with a password who has time: never more at once than is looked at.
    async fn patient(&self) {
        let user = USERS + 1;
        self.newcomer(user).await;
        self.remembered(user).await;
        // Two less than the budget, so that slots are free when the hundredth is wrong: nothing else refuses the next.
        let (kind, burst) = if self.tick().is_multiple_of(2) { (SIGN_IN, 8) } else { (ON_LAPTOP, 3) };
        for _ in 0..=100 / burst + 2 {
            self.world.clock.advance(301);
            let Some(ticket) = self.track_as(user, kind).await else { return };
            for _ in 0..burst {
                let wrong = self.wrong(user);
                self.verify(&ticket, &wrong, None, None, (false, false)).await;
            }
        }
    }
}
