//! The server: all routes, the store, and what goes on beside them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use clap::Args;
use countersign_core::{
    app::{App, Local},
    clock::Clock,
    config::Environment,
    courier::Courier,
    http::serving::{self, Certificate, Door, Proxies},
    lambda::stop_signal,
    outbox::Outbox,
    places::Places,
};
use tokio::net::TcpListener;

use crate::{
    address::{self, Listen},
    demo, directory,
    embedded::Embedded,
    first_run::{self, FirstTenant, Fixed, Place, Trouble},
    loopback, service, store_only, sweep,
    welcome::{self, DATA, Welcome},
};

/// What a server is told.
#[derive(Args)]
pub struct Serve {
    /// Where to listen: a port of this machine, localhost:PORT, or an address with its port.
    #[arg(long, env = "COUNTERSIGN_LISTEN", default_value = "localhost:3000", value_name = "ADDR")]
    listen: Listen,
    /// Directory with the database and its keys.
    #[arg(long, env = "COUNTERSIGN_DATA", default_value = DATA, value_name = "DIR", global = true)]
    pub data: PathBuf,
    /// Keep everything in memory; it ends with the process.
    #[arg(long, conflicts_with = "store_only")]
    memory: bool,
    /// Serve the store alone, as a DynamoDB endpoint, for functions that run as processes of their own.
    #[arg(long)]
    store_only: bool,
    /// Wait for the disk at every write, so that not even a power cut loses one.
    #[arg(long, conflicts_with = "memory")]
    durable: bool,
    /// Origin that end users reach the hosted pages at [default: http://localhost:PORT].
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", value_name = "URL", value_parser = address::origin)]
    public_url: Option<String>,
    /// Speak TLS, with the certificate and its chain in this PEM file; it is read again when it changes.
    #[arg(
        long,
        env = "COUNTERSIGN_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "store_only"
    )]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, env = "COUNTERSIGN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Proxies in front, as addresses or networks: from these alone X-Forwarded-For and Forwarded say who the client is.
    #[arg(long, env = "COUNTERSIGN_TRUSTED_PROXIES", value_name = "CIDR[,CIDR]")]
    trusted_proxies: Option<Proxies>,
    /// Do not serve the demo shop at /demo; it is only ever served on loopback, without TLS and with no proxy in front.
    #[arg(long, conflicts_with = "store_only")]
    no_demo: bool,
    /// The first tenant's id, instead of a generated one.
    #[arg(long, env = "COUNTERSIGN_TENANT_ID", hide = true)]
    tenant_id: Option<String>,
    /// The first tenant's secret key, instead of a generated one. From the environment, so that no process list shows it.
    #[arg(skip = std::env::var("COUNTERSIGN_SECRET_KEY").ok())]
    secret_key: Option<String>,
    /// The first tenant's management key, likewise.
    #[arg(skip = std::env::var("COUNTERSIGN_MANAGEMENT_KEY").ok())]
    management_key: Option<String>,
}

impl Serve {
    /// Serves until the process is asked to end.
    pub async fn run(self) -> Result<(), Trouble> {
        let certificate = self.certificate()?;
        // Bound first: a port in use must not leave a data directory behind.
        let listeners = self.listen.bind().await?;
        let bound = Bound::of(&listeners)?;
        if self.store_only && !bound.is_loopback {
            return Err(store_only::refusal(bound.first));
        }
        // From here on a signal ends it in order.
        let stopped = stop_signal();
        let default = address::default_origin(self.listen, bound.first, certificate.is_some());
        let public_url = self.public_url.clone().unwrap_or(default);
        let place = match self.memory {
            true => Place::Memory,
            false => Place::Directory { path: self.data.clone(), durable: self.durable },
        };
        let places = Places::from_env(&Environment::default()).map_err(|error| Trouble(error.to_string()))?;
        // Held until this function ends.
        let _alone = directory::take(&place, &public_url)?;
        let demo = self.demo(&bound, &public_url);
        let (app, embedded) = first_run::open(&place, Clock::System, &public_url).await?;
        let app = app.with_places(places).with_local(Local { has_demo: demo.is_ok() });
        let fixed = Fixed {
            tenant_id: self.tenant_id.clone(),
            secret_key: self.secret_key.clone(),
            management_key: self.management_key.clone(),
        };
        let tenant = first_run::first_tenant(&app, &embedded, &place, fixed).await.inspect_err(|_| embedded.end())?;
        let origin = format!("http://{}", bound.first);
        let router = if self.store_only {
            welcome::say(&welcome::how_to_use_the_store(&place, &origin, &tenant));
            store_only::service(embedded.clone())
        } else {
            greet(&place, &public_url, &tenant, &demo);
            routes(&app, &public_url, demo.is_ok())?
        };
        let proxies = self.trusted_proxies.clone().unwrap_or_default();
        beside(
            app,
            embedded,
            serving::serve(listeners, router, Door { proxies, certificate, ..Door::default() }, stopped),
        )
        .await;
        Ok(())
    }

    fn certificate(&self) -> Result<Option<Arc<Certificate>>, Trouble> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let read = Certificate::read(certificate, key);
        read.map(|read| Some(Arc::new(read))).map_err(|cause| Trouble(format!("--tls-cert, --tls-key: {cause}")))
    }

    /// Where the demo is, or why there is none. Anybody may be anybody there: it is for this machine alone.
    fn demo(&self, bound: &Bound, public_url: &str) -> Result<String, &'static str> {
        let reasons = [
            (self.no_demo, "off, as --no-demo says"),
            (!bound.is_loopback, "off: it is for a server that listens on this machine alone"),
            (self.trusted_proxies.is_some(), "off, because a proxy stands in front"),
            (self.tls_cert.is_some(), "off with TLS"),
            (!loopback::is_own(public_url), "off, because the public URL is not this machine's"),
        ];
        match reasons.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, why)) => Err(why),
            None => Ok(format!("{public_url}/demo")),
        }
    }
}

/// Where it listens by now.
struct Bound {
    first: std::net::SocketAddr,
    is_loopback: bool,
}

impl Bound {
    fn of(listeners: &[TcpListener]) -> Result<Self, Trouble> {
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>();
        let addresses = addresses.map_err(|error| Trouble(error.to_string()))?;
        let first = *addresses.first().ok_or_else(|| Trouble("there is nowhere to listen".into()))?;
        Ok(Self { first, is_loopback: addresses.iter().all(|address| address.ip().is_loopback()) })
    }
}

fn greet(place: &Place, public_url: &str, tenant: &FirstTenant, demo: &Result<String, &'static str>) {
    let demo = demo.as_ref().map_or_else(|why| *why, String::as_str);
    let program = std::env::args().next().unwrap_or_else(|| "countersign".into());
    let in_colour = welcome::in_colour();
    welcome::say(&Welcome { place, public_url, tenant, demo, program: &program, in_colour }.text());
}

fn routes(app: &App, public_url: &str, has_demo: bool) -> Result<Router, Trouble> {
    let shop = has_demo.then(|| demo::routes(public_url));
    let shop = shop.transpose().map_err(|error| Trouble(error.to_string()))?;
    Ok(shop.unwrap_or_default().fallback_service(service(app.clone())))
}

/// Serves, and beside that removes what is over and delivers pushes.
async fn beside(app: App, embedded: Embedded, serving: impl Future<Output = ()>) {
    let sweeper = tokio::spawn(sweep::from_time_to_time(embedded.clone()));
    let postman = tokio::spawn(deliver_pushes(app));
    serving.await;
    sweeper.abort();
    postman.abort();
    embedded.end();
}

/// Takes pushes out of the queue as the function `deliver` does, and says on the terminal what a phone would show.
pub(crate) async fn deliver_pushes(app: App) {
    let Outbox::Local(queue) = app.outbox() else { return };
    let courier = Courier::console();
    loop {
        while countersign_deliver::drain(queue, &app, &courier).await > 0 {}
        // What was hidden shows again by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), queue.arrived()).await;
    }
}
