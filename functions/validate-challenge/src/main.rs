use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_validate_challenge::routes().into(), Keys::Tokens)
}
