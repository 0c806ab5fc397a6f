"""A page's own server and its own shell, in a folder that looks like a clone of the repository."""

import os
import queue
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Ports that pages name, and that something else may have on this machine.
PORTS = ["3000", "4000", "4001"]
LONGEST = 300


def built(name):
    """A program of this repository."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    path = target / "release" / name
    if name == "countersign":
        path = Path(os.environ.get("COUNTERSIGN_BIN", path))
    if not path.exists():
        raise SystemExit(f"{path} is missing: run `cargo build --release --workspace`")
    return path


def free_port():
    """A port that is free, and below those that connections are given: a page uses it only later."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return str(port)


def printed_by(process):
    """The lines that a process prints, as they come; `None` is the end."""
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


class Session:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-docs-"))
        self.ports = {port: free_port() for port in PORTS}
        self._lay_out()
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "AWS_", "PHONE_"))
        }
        environment |= {"PHONE_HOME": str(self.folder / "phone"), "RUST_LOG": "warn"}
        self.log = open(self.folder / "server.log", "w+")
        start = {"cwd": self.folder, "env": environment, "start_new_session": True}
        listen = f"127.0.0.1:{self.ports['3000']}"
        self.server = subprocess.Popen(
            [built("countersign"), "--listen", listen], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True, **start
        )
        self.shell = subprocess.Popen(
            ["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **start
        )
        self.lines = printed_by(self.shell)
        self._wait()

    def _lay_out(self):
        """What the pages use is there as in a clone; what they write into is a copy."""
        (self.folder / "target" / "release").mkdir(parents=True)
        for name in ("countersign", "phone"):
            (self.folder / "target" / "release" / name).symlink_to(built(name).resolve())
        for name in ("infra", "docs", "tests"):
            (self.folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "examples", self.folder / "examples", ignore=shutil.ignore_patterns("node_modules", ".venv"))

    def _wait(self):
        """Until the server has said where it listens, which it does once it answers."""
        printed, deadline = printed_by(self.server), time.monotonic() + LONGEST
        try:
            while (line := printed.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
                if "API URL" in line:
                    return
        except queue.Empty:
            pass
        raise SystemExit(f"the server does not start: {self.server_log()}")

    def server_log(self):
        self.log.seek(0)
        return self.log.read()

    def run(self, script):
        """Runs commands in the page's shell; what they printed, and how the last ended (`None`: they hang)."""
        for port, here in self.ports.items():
            script = script.replace(f":{port}", f":{here}")
        block, mark = self.folder / "block.sh", f"--- {time.monotonic_ns()} ended with"
        block.write_text(script)
        # Sourced, so that variables stay; with no input, so that nothing waits for a person.
        self.shell.stdin.write(f"source {block} </dev/null\nprintf '\\n%s %s\\n' '{mark}' $?\n")
        self.shell.stdin.flush()
        printed, deadline = "", time.monotonic() + LONGEST
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return self._as_on_pages(printed), None
            if line is None:
                return self._as_on_pages(printed), self.shell.wait()
            if line.startswith(mark):
                return self._as_on_pages(printed.removesuffix("\n")), int(line.split()[-1])
            printed += line

    def _as_on_pages(self, text):
        for port, here in self.ports.items():
            text = text.replace(f":{here}", f":{port}")
        return text.replace(str(self.folder), "~/countersign")

    def end(self):
        """Ends both process groups: what a page left running in the background too."""
        for process in (self.shell, self.server):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
