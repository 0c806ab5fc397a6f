use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_push_approve::routes().into(), Keys::Tokens)
}
