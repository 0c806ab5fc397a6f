#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    countersign_core::lambda::consume(countersign_deliver::deliver).await
}
