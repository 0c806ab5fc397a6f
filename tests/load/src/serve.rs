//! The server half: the product's routes, store and runtime, with a clock that the other half moves.

use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
};

use countersign_core::{
    clock::{Clock, ManualClock, Timestamp},
    http::serving::{self, Limits},
    log,
};
use countersign_local::{
    first_run::{self, Fixed, Place},
    service,
};
use tokio::net::TcpListener;

use crate::Result;

/// Serves until the standard input ends. Writes one line of JSON when it is ready, then `ok` for each `advance N`.
pub async fn serve(data: Option<PathBuf>, durable: bool, logs: bool) -> Result<()> {
    if logs {
        log::to_stderr();
    }
    // From the real time on, or a sweep would take what is made here for long over.
    let start = Timestamp::now().as_second();
    let clock = ManualClock::at(start);
    let place = data.map_or(Place::Memory, |path| Place::Directory { path, durable });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let opened = first_run::open(&place, Clock::Manual(clock.clone()), &format!("http://{address}")).await;
    let (app, embedded) = opened.map_err(|trouble| trouble.0)?;
    let tenant =
        first_run::first_tenant(&app, &embedded, &place, Fixed::default()).await.map_err(|trouble| trouble.0)?;
    let ready = serde_json::json!({ "address": address, "secretKey": tenant.credentials.secret_key, "now": start });
    std::thread::spawn(move || follow(&clock, &ready.to_string()));
    serving::serve(vec![listener], service(app), Limits::default(), std::future::pending()).await;
    Ok(())
}

/// The other half's orders; its end is the end of this process.
fn follow(clock: &ManualClock, ready: &str) {
    let mut out = std::io::stdout();
    let mut say = |line: &str| writeln!(out, "{line}").and_then(|()| out.flush()).is_ok();
    let mut alive = say(ready);
    let mut lines = std::io::stdin().lock().lines();
    while let (true, Some(Ok(line))) = (alive, lines.next()) {
        let seconds = line.strip_prefix("advance ").and_then(|seconds| seconds.parse().ok());
        alive = match seconds {
            Some(seconds) => {
                clock.advance(seconds);
                say("ok")
            }
            None => say("not understood"),
        };
    }
    std::process::exit(0);
}
