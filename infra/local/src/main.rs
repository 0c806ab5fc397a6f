//! `countersign`: everything in one process.

fn main() -> std::process::ExitCode {
    countersign_local::command::run()
}
