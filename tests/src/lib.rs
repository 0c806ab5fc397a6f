//! What the suites share: a server of one's own over a store of one's own, with a clock that stands still and a
//! network that fails on command. Everything is asked for over real HTTP.

pub mod device;
pub mod faults;
pub mod http;
pub mod otp;
pub mod pages;
pub mod pairing;
pub mod stand_in;

use std::net::SocketAddr;

use countersign_core::{
    app::{App, Local},
    clock::{Clock, ManualClock},
    courier::web_push,
    http::serving::{self, Door, Limits},
    keyring::Keyring,
    operator::Credentials,
    outbox::{LocalQueue, Outbox},
    places::Places,
    store::Store,
    tenant::{Settings, Tenant, WebPush},
};
use countersign_local::embedded::{Embedded, TABLE, client_with_attempts};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use faults::Faults;
use http::{Answer, Auth, Http};

/// 2026-11-21 10:00:15 UTC: in the middle of a time step.
pub const START: i64 = 1_795_255_215;

/// A server, its store and its clock; ends with the test.
pub struct World {
    pub app: App,
    pub clock: ManualClock,
    pub embedded: Embedded,
    pub faults: Faults,
    pub keyring: Keyring,
    /// Where pushes wait.
    pub queue: LocalQueue,
    pub tenant: Credentials,
    pub http: Http,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl World {
    /// A server over an empty store in memory, with one tenant.
    pub async fn start() -> Self {
        Self::start_with(Embedded::memory().expect("a store in memory"), 3).await
    }

    /// The same over this store; the SDK sends each call at most `attempts` times.
    pub async fn start_with(embedded: Embedded, attempts: u32) -> Self {
        let faults = Faults::over(embedded.clone());
        let clock = ManualClock::at(START);
        let queue = LocalQueue::default();
        let (keyring, _) = Keyring::generate().expect("a keyring");
        let store = Store::create_table(client_with_attempts(faults.clone(), attempts), TABLE).await.expect("a table");
        let app = App::new(
            store,
            keyring.clone(),
            Clock::Manual(clock.clone()),
            "http://pages.example",
            Outbox::Local(queue.clone()),
        );
        let tenant = add_tenant(&app, "t1").await;
        let (address, server) = serve(&app, Door::default()).await;
        Self { app, clock, embedded, faults, keyring, queue, tenant, http: Http::to(address), address, server }
    }

    /// Another process over the same store: its own caches, the same clock and keys.
    pub async fn another_process(&self) -> World {
        self.with_places(Places::default()).await
    }

    /// Another process, which knows where addresses are.
    pub async fn with_places(&self, places: Places) -> World {
        self.process(places, Outbox::Local(self.queue.clone()), Door::default()).await
    }

    /// Another process, whose queue takes nothing.
    pub async fn without_queue(&self) -> World {
        self.process(Places::default(), Outbox::None, Door::default()).await
    }

    /// Another process, which lets its clients take no more than this.
    pub async fn limited(&self, limits: Limits) -> World {
        self.behind(limits.into()).await
    }

    /// Another process, which lets its clients in by this door.
    pub async fn behind(&self, door: Door) -> World {
        self.process(Places::default(), Outbox::Local(self.queue.clone()), door).await
    }

    /// Another process, which is the one process and no function in AWS.
    pub async fn as_one_process(&self) -> World {
        let local = Some(Local { has_demo: false });
        self.process_of(Places::default(), Outbox::Local(self.queue.clone()), Door::default(), local).await
    }

    async fn process(&self, places: Places, outbox: Outbox, door: Door) -> World {
        self.process_of(places, outbox, door, None).await
    }

    async fn process_of(&self, places: Places, outbox: Outbox, door: Door, local: Option<Local>) -> World {
        let faults = Faults::over(self.embedded.clone());
        let store = Store::new(client_with_attempts(faults.clone(), 3), TABLE);
        let app =
            App::new(store, self.keyring.clone(), Clock::Manual(self.clock.clone()), "http://pages.example", outbox)
                .with_places(places);
        let app = match local {
            Some(local) => app.with_local(local),
            None => app,
        };
        let (address, server) = serve(&app, door).await;
        World {
            app,
            clock: self.clock.clone(),
            embedded: self.embedded.clone(),
            faults,
            keyring: self.keyring.clone(),
            queue: self.queue.clone(),
            tenant: self.tenant.clone(),
            http: Http::to(address),
            address,
            server,
        }
    }

    /// Changes the tenant's settings as the operator's commands do.
    pub async fn settings(&self, change: impl Fn(&mut Settings)) {
        let apply = |tenant: &mut Tenant| {
            change(&mut tenant.settings);
            Ok(())
        };
        self.app.store().tenant(&self.tenant.tenant_id).change(apply).await.expect("a tenant");
        self.app.forget_tenant(&self.tenant.tenant_id);
    }

    /// Pushes to browsers from now on, as `countersign push set web` sets it: by the known services, and these.
    pub async fn push_to_browsers(&self, services: &[&str]) {
        let made = web_push::new_key(&self.app, &self.tenant.tenant_id).await;
        let (sealed_key, public_key) = made.expect("a key");
        let services = services.iter().map(|&origin| origin.to_owned()).collect();
        let web = WebPush { subject: "mailto:ops@example.com".into(), public_key, sealed_key, services };
        self.settings(move |settings| settings.push.web = Some(web.clone())).await;
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The backend's credentials.
    pub fn key(&self) -> Auth {
        Auth::Key(self.tenant.secret_key.clone())
    }
    pub fn management(&self) -> Auth {
        Auth::Key(self.tenant.management_key.clone())
    }

    pub async fn track(&self, user: &str, action: &str, body: Value) -> Answer {
        let path = format!("/v1/users/{}/actions/{action}", http::segment(user));
        self.http.post(&path, &self.key(), body).await
    }

    /// Tracks and gives the token.
    pub async fn token(&self, user: &str, action: &str) -> String {
        self.track(user, action, json!({})).await.ok()["token"].as_str().expect("a token").to_owned()
    }

    pub async fn enroll(&self, token: &str) -> Answer {
        self.http.post("/v1/client/user-authenticators/totp", &Auth::Token(token.into()), json!({})).await
    }

    pub async fn verify(&self, token: &str, code: &str) -> Answer {
        let body = json!({ "verificationCode": code });
        self.http.post("/v1/client/verify/totp", &Auth::Token(token.into()), body).await
    }

    pub async fn validate(&self, token: &str) -> Answer {
        self.http.post("/v1/validate", &self.key(), json!({ "token": token })).await
    }

    pub async fn state(&self, token: &str) -> String {
        self.validate(token).await.ok()["state"].as_str().unwrap_or("none").to_owned()
    }

    /// The code that an app shows at this moment, `steps` later or (negative) earlier.
    pub fn code(&self, secret: &str, steps: i64) -> String {
        otp::totp(secret, self.now() + 30 * steps)
    }

    /// Enrols a user through the client API, in an action of its own; gives the secret. The present step is
    /// spent by that: move the clock for the next code.
    pub async fn enrolled(&self, user: &str) -> String {
        let token = self.token(user, "enrol").await;
        let secret = self.enroll(&token).await.ok()["secret"].as_str().expect("a secret").to_owned();
        let verified = self.verify(&token, &self.code(&secret, 0)).await.ok();
        assert_eq!(verified["isVerified"], true, "{verified}");
        secret
    }

    /// An enrolled user with a step that is not spent yet.
    pub async fn ready(&self, user: &str) -> String {
        let secret = self.enrolled(user).await;
        self.clock.advance(60);
        secret
    }
}

/// A tenant with keys made of its name.
pub async fn add_tenant(app: &App, name: &str) -> Credentials {
    let id = countersign_core::id::TenantId::parse(name).expect("a tenant id");
    let key = |kind: &str| Some(format!("test-{kind}-key-of-{name}"));
    let credentials = Credentials::choose(Some(id), key("secret"), key("management")).expect("credentials");
    let redirect_urls = ["https://app.example", "https://app.example.com"].map(str::to_owned).into();
    let settings = Settings { is_local: true, redirect_urls, ..Settings::named(name) };
    app.create_tenant(settings, &credentials).await.expect("a tenant");
    credentials
}

async fn serve(app: &App, door: Door) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let service = countersign_local::service(app.clone());
    (address, tokio::spawn(serving::serve(vec![listener], service, door, std::future::pending())))
}
