"""Deploys template.yaml with the built functions, by `sam deploy` as an operator does, and reads what came of it."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from .emulator import CAME_BY_TLS, CREDENTIALS, REGION

REPOSITORY = Path(__file__).resolve().parents[3]
TEMPLATE = REPOSITORY / "template.yaml"
FUNCTIONS = ("track", "validate-challenge", "enroll", "verify", "challenge", "push-approve", "directory", "management", "hosted-ui", "deliver")
STACK = "countersign"
CODE_URI = re.compile(r"^(\s+CodeUri:\s+)(?:\./)?functions/([a-z-]+)/?\s*$", re.MULTILINE)


def with_built_code(template: str, built: Path) -> str:
    """The template with each `CodeUri` naming a built folder instead of a crate, as `sam build` writes it."""
    used = [match[2] for match in CODE_URI.finditer(template)]
    assert sorted(used) == sorted(FUNCTIONS), f"template.yaml has the functions {sorted(used)}"
    for function in FUNCTIONS:
        bootstrap = built / function / "bootstrap"
        assert os.access(bootstrap, os.X_OK), f"{bootstrap} is missing: build the functions, or let tests/aws/run do it"
    return CODE_URI.sub(lambda match: f"{match[1]}{built / match[2]}", template)


def failures(said: str) -> str:
    """What `sam` printed of the resources that failed, and its end."""
    lines = said.splitlines()
    failed = [number for number, line in enumerate(lines) if "_FAILED" in line]
    return "\n".join([*(line for number in failed for line in lines[number : number + 6]), "...", *lines[-12:]])


@dataclass
class Stack:
    """The deployed stack."""

    endpoint: str
    workplace: Path
    sam: str
    built: Path
    parameters: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str, tls: bool = True, environment: dict[str, str] = CREDENTIALS):
        """A client with the credentials of an environment: the account's, or those of a function's process.

        The emulator has no TLS: a client says, as a load balancer does, that the request came by it.
        """
        client = boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        )
        if tls:
            client.meta.events.register("before-sign.*", lambda request, **_: request.headers.add_header(*CAME_BY_TLS))
        return client

    def deploy(self) -> str:
        """Deploys and gives what `sam` printed."""
        copy = self.workplace / "template.yaml"
        if not copy.exists():  # The second time it is the same, whatever happens to the repository meanwhile.
            copy.write_text(with_built_code(TEMPLATE.read_text(), self.built))
        command = [
            self.sam,
            "deploy",
            "--template-file",
            copy,
            "--stack-name",
            STACK,
            "--region",
            REGION,
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
            "CAPABILITY_NAMED_IAM",
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in self.parameters.items()),
        ]
        environment = os.environ | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
        }
        done = subprocess.run(
            command,
            cwd=self.workplace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"sam deploy ended with {done.returncode}\n{failures(said)}"
        self.outputs = self._outputs()
        return said

    def _outputs(self) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def resources(self) -> dict[str, tuple[str, str]]:
        """Logical id to type and physical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", "")) for one in summaries}

    def function_name(self, folder: str) -> str:
        return f"{STACK}-{folder}"

    @property
    def table(self) -> str:
        return self.outputs["TableName"]

    @property
    def api_id(self) -> str:
        """Of the one HTTP API."""
        apis = [physical for kind, physical in self.resources().values() if kind == "AWS::ApiGatewayV2::Api"]
        assert len(apis) == 1, apis
        return apis[0]
