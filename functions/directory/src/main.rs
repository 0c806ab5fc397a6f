use countersign_core::{config::Keys, lambda::serve};

fn main() -> std::process::ExitCode {
    serve(countersign_directory::routes().into(), Keys::Tokens)
}
