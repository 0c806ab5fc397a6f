use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_hosted_ui::routes().into(), Keys::TokensAndSecrets)
}
