#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    countersign_core::lambda::serve(countersign_enroll::routes().into()).await
}
