use countersign_core::{config::Keys, lambda::serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    serve(countersign_push_approve::routes().into(), Keys::Tokens).await
}
