fn main() -> std::process::ExitCode {
    countersign_deliver::run()
}
