"""The operator's command, run as the operator runs it: with the environment that the stack's output names."""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass

from .emulator import CREDENTIALS
from .stack import REPOSITORY, Stack


@dataclass(frozen=True)
class Tenant:
    id: str
    secret_key: str
    management_key: str


class Operator:
    def __init__(self, stack: Stack, binary: str, endpoint: str):
        self.stack, self.binary, self.endpoint = stack, binary, endpoint

    def environment(self) -> dict[str, str]:
        """`OperatorEnvironment`, read as a shell would."""
        return dict(word.split("=", 1) for word in shlex.split(self.stack.outputs["OperatorEnvironment"]))

    def run(self, *arguments: str) -> dict:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [self.binary, *arguments, "--output", "json", "--endpoint-url", self.endpoint],
            cwd=REPOSITORY,
            env=kept | CREDENTIALS | self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"countersign {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}"
        return json.loads(done.stdout)

    def create_tenant(self, name: str) -> Tenant:
        # The suites of the SDKs come back to pages on this machine.
        made = self.run("tenant", "create", "--name", name, "--local", "--redirect-url", "https://app.example.com")
        return Tenant(made["tenantId"], made["secretKey"], made["managementKey"])
