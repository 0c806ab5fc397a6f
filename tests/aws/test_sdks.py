"""The suites of the published SDKs (Node, Python) against the deployed API: every test of theirs, none left out."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_aws.stack import REPOSITORY

NODE = REPOSITORY / "tests" / "sdk" / "node"
PYTHON = REPOSITORY / "tests" / "sdk" / "python"
# Each file has a tenant of its own, as it has a server of its own elsewhere.
SUITES = sorted(path.name for path in (*NODE.glob("*.test.js"), *PYTHON.glob("test_*.py")))


@dataclass(frozen=True)
class Outcome:
    status: int
    passed: int
    others: int
    log: str


def environment_of(api_url: str, tenant) -> dict[str, str]:
    return os.environ | {
        "COUNTERSIGN_TEST_API_URL": api_url,
        "COUNTERSIGN_TEST_TENANT_ID": tenant.id,
        "COUNTERSIGN_TEST_SECRET_KEY": tenant.secret_key,
        "COUNTERSIGN_TEST_MANAGEMENT_KEY": tenant.management_key,
        "PYTHONDONTWRITEBYTECODE": "1",
        "FORCE_COLOR": "0",
    }


def run(name: str, api_url: str, tenant) -> Outcome:
    """Runs one file and reads how many of its tests passed; skipped ones are among `others`."""
    if name.endswith(".js"):
        command, folder = ["node", "--test", "--test-reporter=tap", name], NODE
    else:
        command, folder = [sys.executable, "-m", "pytest", "-q", "-rA", name], PYTHON
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment_of(api_url, tenant),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    log = done.stdout + done.stderr
    if name.endswith(".js"):
        counted = {word: int(count) for word, count in re.findall(r"^# (\w+) (\d+)$", log, re.MULTILINE)}
        others = sum(counted.get(word, 0) for word in ("fail", "cancelled", "skipped", "todo"))
        return Outcome(done.returncode, counted.get("pass", 0), others, log)
    counted = {
        word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b", log)
    }
    passed = counted.pop("passed", 0)
    return Outcome(done.returncode, passed, sum(counted.values()), log)


@pytest.fixture(scope="session")
def outcomes(operator, origin, in_background, waited_for):
    """All files at once, and beside them what test_keys waits for: they wait more than they work."""
    assert shutil.which("node"), "node is missing: apt-get install nodejs npm"
    assert (NODE / "node_modules" / "@authsignal").is_dir(), f"run `npm ci` in {NODE}, or tests/aws/run"
    tenants = {name: operator.create_tenant(name) for name in SUITES}
    return {name: in_background(run, name, f"{origin}/v1", tenants[name]) for name in SUITES}


@pytest.mark.parametrize("name", SUITES)
def test_suite_of_the_published_sdk(name, outcomes):
    outcome = outcomes[name].result()
    assert outcome.status == 0 and outcome.others == 0, outcome.log
    written = Path(NODE / name if name.endswith(".js") else PYTHON / name).read_text()
    # A loop writes more tests than there are `test(`; fewer than written means that some did not run.
    expected = len(re.findall(r"^\s*test\(|^def test_", written, re.MULTILINE))
    assert outcome.passed >= expected, outcome.log
