use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_enroll::routes().into(), Keys::TokensAndSecrets)
}
