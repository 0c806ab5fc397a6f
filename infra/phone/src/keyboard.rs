//! What the person types, and when they stop it all.

use std::{
    cell::OnceCell,
    io::{BufRead as _, IsTerminal as _},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// Lines of standard input, read beside the work: a question may be over before it is answered. Nothing is read before
/// the first question, for what is not asked for may be meant for others.
pub struct Keyboard {
    lines: OnceCell<Receiver<String>>,
    is_terminal: bool,
}

pub enum Typed {
    Line(String),
    NothingYet,
    /// Standard input has ended.
    End,
}

/// Ends with the process, or with standard input.
fn read_lines() -> Receiver<String> {
    let (send, lines) = channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

impl Keyboard {
    pub fn new() -> Self {
        Self { lines: OnceCell::new(), is_terminal: std::io::stdin().is_terminal() }
    }

    fn lines(&self) -> &Receiver<String> {
        self.lines.get_or_init(read_lines)
    }

    pub fn wait(&self, longest: Duration) -> Typed {
        match self.lines().recv_timeout(longest) {
            Ok(line) => Typed::Line(line.trim().to_owned()),
            Err(RecvTimeoutError::Timeout) => Typed::NothingYet,
            Err(RecvTimeoutError::Disconnected) => Typed::End,
        }
    }

    /// Forgets what a person typed before they were asked: it was no answer. What a program wrote ahead, it meant.
    pub fn forget(&self) {
        if self.is_terminal {
            while self.lines().try_recv().is_ok() {}
        }
    }

    /// Lets time pass; true once a person has closed their terminal's input (Ctrl-D).
    pub fn idle(&self, long: Duration) -> bool {
        if !self.is_terminal {
            thread::sleep(long);
            return false;
        }
        matches!(self.wait(long), Typed::End)
    }
}

/// Says so when Ctrl-C or a signal to end comes, and ends with the status that shells expect (128 + the signal).
pub fn end_when_told() {
    thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let told = runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (mut interrupt, mut terminate) =
                (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?);
            Some(tokio::select! { _ = interrupt.recv() => 130, _ = terminate.recv() => 143 })
        });
        if let Some(status) = told {
            eprintln!("\nphone: stopped; what still waits can be answered later");
            std::process::exit(status);
        }
    });
}
