"""A function that is configured badly ends at its start, with one line that says what to set."""

import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_aws.emulator import CREDENTIALS
from local_aws.stack import FUNCTIONS

# Lambda gives the init phase ten seconds; after that it says so itself, and less clearly.
INIT_SECONDS = 10
WITH_TABLE = [name for name in FUNCTIONS if name != "deliver"]
WITH_TOKEN_KEYS = [name for name in WITH_TABLE if name != "management"]


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's side of the runtime API: it never has an event, and notes whether one was asked for."""

    daemon_threads = True

    def __init__(self):
        self.asked, self.over = threading.Event(), threading.Event()
        runtime_api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                runtime_api.asked.set()
                runtime_api.over.wait(INIT_SECONDS)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def start(built, stack, emulator):
    """Starts a function as Lambda does, with its deployed environment and `changes` to that (None unsets)."""
    runtime_api = RuntimeApi()
    lambdas = stack.client("lambda")

    def run(function: str, changes: dict) -> subprocess.CompletedProcess:
        configuration = lambdas.get_function_configuration(FunctionName=stack.function_name(function))
        environment = (
            configuration["Environment"]["Variables"]
            | CREDENTIALS
            | {
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime_api.server_address[1]}",
                "AWS_LAMBDA_FUNCTION_NAME": f"start-{function}",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_ENDPOINT_URL": emulator.endpoint,
            }
            | changes
        )
        given = {name: value for name, value in environment.items() if value is not None}
        process = subprocess.Popen(
            [built / function / "bootstrap"],
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + INIT_SECONDS
        while process.poll() is None and time.monotonic() < deadline and not runtime_api.asked.wait(0.01):
            pass
        ended = process.poll()
        process.kill()
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(function, ended, stdout, stderr)

    run.asked = runtime_api.asked
    yield run
    runtime_api.over.set()
    runtime_api.shutdown()


def refused(done: subprocess.CompletedProcess, asked: threading.Event, *named: str):
    seen = f"{done.args} ended with {done.returncode}, said {done.stderr!r}"
    assert not asked.is_set(), f"it took requests: {seen}"
    assert done.returncode not in (None, 0), f"still there after {INIT_SECONDS} s: {seen}"
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("countersign: "), seen
    for name in named:
        assert name in lines[0], f"{name} is not named: {seen}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_was_deployed_starts(start, function):
    done = start(function, {})
    assert start.asked.is_set(), f"{function} ended with {done.returncode}: {done.stderr}"


def test_deliver_names_its_table_and_queue(start):
    names = ("COUNTERSIGN_TABLE", "COUNTERSIGN_DELIVERY_QUEUE")
    refused(start("deliver", dict.fromkeys(names)), start.asked, *names)


@pytest.mark.parametrize("function", WITH_TABLE)
def test_every_missing_variable_is_named(start, function):
    names = ["COUNTERSIGN_TABLE", "COUNTERSIGN_PUBLIC_URL"]
    names += ["COUNTERSIGN_TOKEN_KEYS"] if function in WITH_TOKEN_KEYS else []
    names += ["COUNTERSIGN_SECRETS_KEY"] if function in ("enroll", "verify", "hosted-ui") else []
    done = start(function, dict.fromkeys(["COUNTERSIGN_SECRETS_KEY", "COUNTERSIGN_TOKEN_KEYS", *names]))
    refused(done, start.asked, *names)


def test_deliver_names_what_it_needs_of_the_environment(start):
    variables = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    refused(start("deliver", dict.fromkeys([*variables, "AWS_DEFAULT_REGION"])), start.asked, *variables)


@pytest.mark.parametrize("function", WITH_TABLE)
def test_a_table_that_is_not_there(start, function):
    refused(start(function, {"COUNTERSIGN_TABLE": "no-such-table"}), start.asked, "no-such-table", "COUNTERSIGN_TABLE")


@pytest.mark.parametrize("function", WITH_TOKEN_KEYS)
def test_a_key_that_is_not_there(start, stack, function):
    missing = stack.outputs["TokenKeyArn"].rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000"
    refused(start(function, {"COUNTERSIGN_TOKEN_KEYS": missing}), start.asked, missing, "COUNTERSIGN_TOKEN_KEYS")


def test_a_key_of_another_kind(start, stack):
    wrong = {"COUNTERSIGN_TOKEN_KEYS": stack.outputs["SecretsKeyArn"]}
    refused(start("track", wrong), start.asked, stack.outputs["SecretsKeyArn"], "COUNTERSIGN_TOKEN_KEYS")


def test_what_is_no_arn(start):
    wrong = {"COUNTERSIGN_TOKEN_KEYS": "alias/token", "COUNTERSIGN_SECRETS_KEY": "alias/secrets"}
    refused(start("verify", wrong), start.asked, *wrong)


def test_a_kms_that_cannot_be_reached(start):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        refused(start("verify", {"AWS_ENDPOINT_URL_KMS": closed}), start.asked, "KMS")
