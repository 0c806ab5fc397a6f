//! A function's process: on Lambda where its runtime says so, and otherwise a plain server with the same routes.

use std::process::ExitCode;

use axum::Router;

use crate::{app::App, clock::Clock, config::Config, http, keyring::Keyring, store::Store};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves routes until the process ends. What is wrong at the start is one line, and a failure.
pub async fn serve(routes: Router<App>) -> ExitCode {
    log_to_stderr();
    match run(routes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("countersign: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(routes: Router<App>) -> Result<(), BoxError> {
    let config = Config::from_env()?;
    let keyring = Keyring::read(&config.keyring)?;
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let store = Store::new(aws_sdk_dynamodb::Client::new(&aws), &config.table);
    let service = http::service(routes, App::new(store, keyring, Clock::System, &config.public_url));
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return lambda_http::run(service).await;
    }
    let listener = tokio::net::TcpListener::bind(&config.listen)
        .await
        .map_err(|e| format!("cannot listen on {}: {e}", config.listen))?;
    axum::serve(listener, service).with_graceful_shutdown(stop_signal()).await?;
    Ok(())
}

/// Resolves when the process is asked to end: SIGTERM, or Ctrl-C.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without handlers the signals end the process as they always did.
        _ => std::future::pending().await,
    }
}

/// JSON lines on standard error; `RUST_LOG` says how many (default `info` for ours, `warn` for the rest).
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,countersign=info,countersign_core=info".into());
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
