//! The real program, as a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, SystemTime},
};

use countersign_tests::http::{Auth, Http};
use serde_json::Value;

/// Nothing here takes so long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// `countersign`, beside this test in the build directory.
pub fn binary() -> PathBuf {
    let built = || {
        let test = std::env::current_exe().expect("a test");
        test.parent().and_then(Path::parent).expect("a build directory").join("countersign")
    };
    let binary = std::env::var_os("COUNTERSIGN_BIN").map_or_else(built, PathBuf::from);
    assert!(binary.exists(), "there is no {}: run cargo build --release first", binary.display());
    binary
}

/// The program with nothing of the environment but what it is given.
pub fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The same in a shell that has done something first: `ulimit` bounds what it may take.
pub fn countersign_under(shell: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]).arg(binary()).args(arguments);
    command.env_clear().stdin(Stdio::null());
    command
}

/// A directory that ends with its owner.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("countersign-crash-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory of one's own");
        Self(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The data directory in it, which the program makes.
    pub fn data(&self) -> String {
        self.0.join("data").to_str().expect("UTF-8").to_owned()
    }
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join("data").join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// What it said of itself when it started.
    pub welcome: String,
    /// The keys of its data directory, which it says once.
    credentials: Value,
}

impl Server {
    pub fn start(directory: &Directory) -> Self {
        Self::start_with(directory, &[])
    }

    pub fn start_with(directory: &Directory, environment: &[(&str, &str)]) -> Self {
        let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
        command.envs(environment.iter().copied()).env("RUST_LOG", "off");
        Self::run(&mut command)
    }

    /// Waits until it says where it listens; by then it does.
    pub fn run(command: &mut Command) -> Self {
        let data = command.get_args().skip_while(|argument| *argument != "--data").nth(1).expect("--data").to_owned();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("countersign starts");
        let (tell, told) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut welcome = String::new();
        // The last line.
        while !welcome.contains("\n  Demo ") {
            match told.recv_timeout(PATIENCE) {
                Ok(line) => welcome += &format!("{line}\n"),
                Err(_) => {
                    let _ = child.kill();
                    panic!("no welcome, but: {welcome}");
                }
            }
        }
        let url = said(&welcome, "API URL").replace("localhost", "127.0.0.1");
        let address = url.split_once("://").expect("a URL").1.trim_end_matches("/v1").parse().expect("an address");
        let credentials = fs::read(Path::new(&data).join("credentials.json")).expect("credentials");
        let credentials = serde_json::from_slice(&credentials).expect("JSON");
        Self { child, address, welcome, credentials }
    }

    pub fn http(&self) -> Http {
        Http::to(self.address)
    }

    /// What it was started with: `tenantId`, `secretKey` or `managementKey`.
    pub fn credential(&self, name: &str) -> String {
        self.credentials[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    /// The backend's key.
    pub fn key(&self) -> Auth {
        Auth::Key(self.credential("secretKey"))
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, and sees that it ends well.
    pub fn stop(self) {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0));
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end that a signal asked for.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value behind a name in the welcome.
fn said(welcome: &str, name: &str) -> String {
    let line = welcome.lines().find_map(|line| line.trim().strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {welcome}")).trim().to_owned()
}

/// Runs a program that should end by itself: its status, standard output and standard error.
pub fn ends(command: &mut Command) -> (ExitStatus, String, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let id = child.id().to_string();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(output) = told.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-9", &id]).status();
        panic!("it does not end");
    };
    let output = output.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status, text(output.stdout), text(output.stderr))
}

/// It ends at once, badly, with one line that names the trouble.
#[track_caller]
pub fn refuses(command: &mut Command, names: &str) -> String {
    let (status, output, trouble) = ends(command);
    assert!(!status.success(), "it ended well: {output}");
    assert_eq!(trouble.lines().count(), 1, "one line: {trouble}");
    assert!(trouble.starts_with("countersign: ") && trouble.contains(names), "{trouble}");
    trouble
}

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end")
}

/// What came back, where anything did: a server that was killed answers nobody.
pub async fn call(http: &Http, method: &str, path: &str, auth: &Auth, body: Option<Value>) -> Option<Value> {
    let mut request = http.request(method, path, auth);
    let bytes = body.map(|body| body.to_string()).unwrap_or_default();
    if !bytes.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let answer = http.try_send(request.body(bytes.into()).expect("a request")).await?;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    Some(answer.json())
}
