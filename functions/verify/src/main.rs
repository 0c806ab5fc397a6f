use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_verify::routes().into(), Keys::TokensAndSecrets)
}
