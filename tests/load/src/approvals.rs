//! Approvals on a device: asked for by push, brought to the device or found by it, and given.

use std::time::{Duration, Instant};

use countersign_tests::device::Device;
use serde_json::json;

use crate::{
    Phase, Result,
    client::{Connection, get, post, work},
    meter::{Figures, Meter, Plan, all, basic, contains, text, tokens, unmeasured},
    product::Product,
};

/// The product with people who have a device each.
pub struct Approvals {
    product: Product,
    newcomers: usize,
}

struct Person {
    name: String,
    device: Device,
}

/// What a page asks, and what the device does meanwhile.
struct Question {
    ask: Vec<u8>,
    poll: Vec<u8>,
}

/// What came of a question.
struct SeenQuestion {
    challenge: String,
    /// When it was seen, from when it was sent.
    seen: Duration,
}

const DEVICE: &str = "/v1/client/user-authenticators/push";

impl Approvals {
    pub fn new(product: Product) -> Self {
        Self { product, newcomers: 0 }
    }

    /// Measures every phase at this concurrency. Each round has people of its own: a user is asked at most five times
    /// in ten minutes, and the product's clock is the real one.
    pub async fn run(&mut self, plan: &Plan, concurrency: usize, done: &mut impl FnMut(Figures)) -> Result<()> {
        let is_found = plan.measures(Phase::Seen) || plan.measures(Phase::Approve);
        let is_brought = plan.measures(Phase::Push) || plan.measures(Phase::Handed);
        let meter = |phase| Meter::new(phase, concurrency, plan);
        let (mut push, mut handed) = (meter(Phase::Push)?, meter(Phase::Handed)?);
        let (mut seen, mut approve) = (meter(Phase::Seen)?, meter(Phase::Approve)?);
        for _ in 0..plan.rounds {
            let people = self.people(plan.users).await?;
            if is_found {
                let asked = self.find(&mut seen, &people).await?;
                self.approve(&mut approve, &people, &asked).await?;
            }
            if is_brought {
                self.bring(&mut push, &mut handed, &people).await?;
            }
        }
        let all = [push, handed, seen, approve].into_iter();
        all.filter(|meter| plan.measures(meter.figures.phase)).for_each(|meter| done(meter.figures));
        Ok(())
    }

    fn server(&self) -> (std::net::SocketAddr, u32) {
        (self.product.address, self.product.pid())
    }

    async fn tokens(&self, people: &[Person]) -> Result<Vec<String>> {
        let key = basic(&self.product.secret_key);
        let track = |one: &Person| post(&format!("/v1/users/{}/actions/signIn", one.name), &key, "{}");
        tokens(&unmeasured(self.product.address, people.iter().map(track).collect()).await?)
    }

    /// New users, each with a device of its own.
    async fn people(&mut self, count: usize) -> Result<Vec<Person>> {
        let person = |n| Person { name: format!("user-{n}"), device: Device::new("push") };
        let people: Vec<_> = (self.newcomers..self.newcomers + count).map(person).collect();
        self.newcomers += count;
        let enrol = |(one, token): (&Person, String)| {
            let body = json!({
                "publicKey": one.device.public_key, "deviceName": "a phone", "devicePlatform": "android",
                "pushToken": format!("token-of-{}", one.name),
            });
            post(DEVICE, &format!("Bearer {token}"), &body.to_string())
        };
        let tokens = self.tokens(&people).await?;
        let requests = people.iter().zip(tokens).map(enrol).collect();
        all(&unmeasured(self.product.address, requests).await?, r#""userAuthenticatorId":""#)?;
        Ok(people)
    }

    /// Asks by push and waits until the courier hands it over. Two meters: until the answer, until that.
    async fn bring(&self, push: &mut Meter, handed: &mut Meter, people: &[Person]) -> Result<()> {
        let requests: Vec<_> = self.tokens(people).await?.iter().map(|token| ask(token)).collect();
        let courier = self.product.courier.clone();
        let bring = async move |[line]: &mut [Connection; 1], request: &Vec<u8>| {
            let began = Instant::now();
            let body = line.exchange(request).await?;
            let answered = began.elapsed();
            let handed_over = courier.handed_over(&text(&body, "challengeId")?).await?;
            Ok((answered, handed_over.saturating_duration_since(began)))
        };
        let ((address, pid), concurrency) = (self.server(), push.concurrency);
        let asking = work(address, concurrency, push.limit(), requests, bring);
        let (brought, wall) = handed.watch(pid, push.watch(pid, asking)).await?;
        push.add(wall, brought.iter().map(|(answered, _)| *answered));
        handed.add(wall, brought.iter().map(|(_, handed_over)| *handed_over));
        Ok(())
    }

    /// Asks by push while the device asks what is pending, again and again, until it sees the question.
    async fn find(&self, seen: &mut Meter, people: &[Person]) -> Result<Vec<SeenQuestion>> {
        let tenant = basic(&self.product.tenant_id);
        let poll = |one: &Person| get(&format!("{DEVICE}/challenge?{}", one.device.query()), &tenant);
        let both = people.iter().zip(self.tokens(people).await?);
        let questions = both.map(|(one, token)| Question { ask: ask(&token), poll: poll(one) }).collect();
        let ((address, pid), concurrency) = (self.server(), seen.concurrency);
        let asking = work(address, concurrency, seen.limit(), questions, find);
        let (asked, wall) = seen.watch(pid, asking).await?;
        seen.add(wall, asked.iter().map(|one| one.seen));
        Ok(asked)
    }

    async fn approve(&self, approve: &mut Meter, people: &[Person], asked: &[SeenQuestion]) -> Result<()> {
        let tenant = basic(&self.product.tenant_id);
        let answer = |(one, asked): (&Person, &SeenQuestion)| {
            let body = one.device.answer(&asked.challenge, true);
            post(&format!("{DEVICE}/challenge"), &tenant, &body.to_string())
        };
        let answers = people.iter().zip(asked).map(answer).collect();
        all(&approve.measure(self.server(), answers).await?, r#""isVerified":true"#)
    }
}

fn ask(token: &str) -> Vec<u8> {
    post("/v1/client/challenge/push", &format!("Bearer {token}"), r#"{"action":"signIn"}"#)
}

/// More than any device has to ask.
const POLLS: usize = 10_000;

async fn find([page, device]: &mut [Connection; 2], question: &Question) -> Result<SeenQuestion> {
    let began = Instant::now();
    let asking = async { text(&page.exchange(&question.ask).await?, "challengeId") };
    let polling = async {
        for _ in 0..POLLS {
            let body = device.exchange(&question.poll).await?;
            let seen = began.elapsed();
            if contains(&body, r#""challengeId":""#) {
                return Ok((seen, text(&body, "challengeId")?));
            }
        }
        Err("the device never sees the question".into())
    };
    let (challenge, (seen, found)) = tokio::try_join!(asking, polling)?;
    if found != challenge {
        return Err(format!("{challenge} was asked, and {found} found").into());
    }
    Ok(SeenQuestion { challenge, seen })
}
