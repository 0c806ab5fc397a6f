"""What the store takes for granted of DynamoDB holds of the emulator too: the Rust suite `semantics`, against it."""

import os
import re
import subprocess

from local_aws.stack import REPOSITORY


def test_semantics_of_the_store(emulator):
    """The suite runs against the embedded DynamoDB where COUNTERSIGN_TEST_ENDPOINT is not set (tests/run)."""
    environment = os.environ | {"COUNTERSIGN_TEST_ENDPOINT": emulator.endpoint}
    built = os.environ.get("COUNTERSIGN_SUITES")
    program = [built] if built else ["cargo", "test", "--release", "--locked", "--workspace", "--test", "suites", "--"]
    done = subprocess.run(
        [*program, "semantics::"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    seen = done.stdout + done.stderr
    assert done.returncode == 0, seen
    result = re.search(r"^test result: ok\. (\d+) passed; 0 failed; 0 ignored", done.stdout, re.MULTILINE)
    assert result and int(result[1]) > 0, seen
