"""Starts the local AWS, deploys the stack once for the whole suite and stops everything it started."""

import os
import shutil
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_aws.api import Api
from local_aws.emulator import CREDENTIALS, Emulator
from local_aws.operator import Operator
from local_aws.proxy import Proxy
from local_aws.recorder import Recorder
from local_aws.stack import REPOSITORY, Stack

# Least privilege is asserted of what all the others made the functions do, so it comes last.
# What test_keys waits for has come by its turn; the failures, which everybody would feel, are after that.
ORDER = ("deploy", "sdks", "routes", "delivery", "races", "start", "store", "keys", "failures", "least_privilege")

# No real account of whoever runs this, and no way out, in any process that is started from here.
for name in [name for name in os.environ if name.startswith("AWS_") or name.upper().endswith("_PROXY")]:
    del os.environ[name]
os.environ |= CREDENTIALS


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")))


def wanted(variable: str, default: Path) -> Path:
    path = Path(os.environ.get(variable, default))
    assert path.exists(), f"{path} is missing: run tests/aws/run, or set {variable}"
    return path


@pytest.fixture(scope="session")
def workplace(request):
    """A folder for what this run writes; it stays for a look where a test failed."""
    parent = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve() / "aws"
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    yield path
    if request.session.testsfailed:
        print(f"\nthe emulator's log and the deployed template are in {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def built() -> Path:
    return wanted("COUNTERSIGN_FUNCTIONS", REPOSITORY / "target" / "lambda" / "x86_64")


@pytest.fixture(scope="session")
def cloud(workplace):
    """The emulator, and the recorder between the functions and it."""
    recorder = Recorder(target_port=0)
    recorder.target_port = free_port()
    emulator = Emulator(recorder.target_port, recorder.url, workplace)
    yield emulator, recorder
    emulator.stop()
    recorder.stop()


@pytest.fixture(scope="session")
def emulator(cloud) -> Emulator:
    return cloud[0]


@pytest.fixture(scope="session")
def recorder(cloud) -> Recorder:
    return cloud[1]


@pytest.fixture(scope="session")
def first_deploy(emulator, workplace, built):
    """The stack behind a loopback address of its own, which stands for the public address; and what `sam` said."""
    front = Proxy(emulator.port)
    sam = str(wanted("COUNTERSIGN_SAM", REPOSITORY / "target" / "aws" / "sam" / "bin" / "sam"))
    stack = Stack(emulator.endpoint, workplace, sam, built, {"Architecture": "x86_64", "PublicUrl": front.url})
    said = stack.deploy()
    front.host = f"{stack.api_id}.execute-api.localhost:{emulator.port}"
    yield stack, front, said
    front.stop()


@pytest.fixture(scope="session")
def stack(first_deploy) -> Stack:
    return first_deploy[0]


@pytest.fixture(scope="session")
def origin(first_deploy) -> str:
    """Where the API answers, and where the functions think it does."""
    return first_deploy[1].url


@pytest.fixture(scope="session")
def operator(stack, recorder) -> Operator:
    binary = wanted("COUNTERSIGN_BIN", REPOSITORY / "target" / "release" / "countersign")
    # By the way of all others: there a call came by TLS, which the queues ask for.
    return Operator(stack, str(binary), recorder.url)


@pytest.fixture(scope="session")
def tenant(operator):
    return operator.create_tenant("Suite")


@pytest.fixture(scope="session")
def api(origin, tenant) -> Api:
    return Api(origin, tenant)


@pytest.fixture(scope="session")
def in_background():
    """Starts what takes long while other tests run."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield pool.submit


@pytest.fixture(scope="session")
def waited_for(operator, origin, in_background):
    """Revocations take up to a minute: they are under way while other tests run, and are read by test_keys."""
    import test_keys

    kinds = (test_keys.revoked, test_keys.rolled_over_at_once, test_keys.token_key_rolled_over)
    return {kind.__name__: in_background(kind, operator, origin) for kind in kinds}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed and "cloud" in item.funcargs:
        log = item.funcargs["cloud"][0].log.read_text(errors="replace")
        report.sections.append(("end of the emulator's log", log[-4000:]))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
