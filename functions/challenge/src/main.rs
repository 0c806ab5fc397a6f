use countersign_core::{config::Keys, lambda::serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    serve(countersign_challenge::routes().into(), Keys::Tokens).await
}
