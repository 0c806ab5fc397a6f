"""Starts one server for the suite on a free loopback port, and shows its log when a test fails.

Where COUNTERSIGN_TEST_API_URL names one (`http://.../v1`), the suite runs against that deployment instead, with the
tenant whose key is COUNTERSIGN_TEST_SECRET_KEY.
"""

import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from authsignal import AuthsignalClient
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET_KEY = "secret-key-under-test-0123456789"


def binary() -> Path:
    target = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")
    path = Path(os.environ.get("COUNTERSIGN_BIN", target / "release" / "countersign"))
    assert path.exists(), f"{path} is missing: run `cargo build --release --workspace`, or set COUNTERSIGN_BIN"
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(origin: str):
    """Polls /healthz: about a hundred tries, at most a quarter of a second apart."""
    tries = Retry(total=100, backoff_factor=0.05, backoff_max=0.25, status_forcelist=[404, 500, 502, 503])
    with requests.Session() as session:
        session.mount(origin, HTTPAdapter(max_retries=tries))
        assert session.get(f"{origin}/healthz", timeout=2).status_code == 200


@pytest.fixture(scope="session")
def server():
    if deployed := os.environ.get("COUNTERSIGN_TEST_API_URL"):
        key = os.environ.get("COUNTERSIGN_TEST_SECRET_KEY")
        assert key, "set COUNTERSIGN_TEST_SECRET_KEY too, for the deployment at COUNTERSIGN_TEST_API_URL"
        yield SimpleNamespace(api=deployed, secret_key=key, read_log=lambda: "kept by the deployment")
        return
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [binary(), "--listen", address, "--memory"],
            cwd=REPOSITORY,
            env=os.environ
            | {
                "COUNTERSIGN_LISTEN": address,
                "COUNTERSIGN_TENANT_ID": "tenant-under-test",
                "COUNTERSIGN_SECRET_KEY": SECRET_KEY,
                "COUNTERSIGN_MANAGEMENT_KEY": "management-key-under-test-0123456789",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

        def read_log() -> str:
            log.seek(0)
            return log.read()

        try:
            wait_until_ready(f"http://{address}")
        except BaseException as error:
            process.kill()
            process.wait()
            pytest.fail(f"the server did not answer /healthz: {error}\n--- server log ---\n{read_log()}")

        yield SimpleNamespace(api=f"http://{address}/v1", secret_key=SECRET_KEY, read_log=read_log)

        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = "killed: it was still there 15 s after SIGTERM"
        assert status == 0, f"the server ended with {status}\n{read_log()}"


@pytest.fixture
def sdk(server) -> AuthsignalClient:
    """The published SDK with its own default timeout of two seconds."""
    return AuthsignalClient(api_secret_key=server.secret_key, api_url=server.api)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed and "server" in item.funcargs:
        report.sections.append(("server log", item.funcargs["server"].read_log()))
