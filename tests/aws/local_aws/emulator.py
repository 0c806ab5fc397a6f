"""Starts ministack, which checks IAM here, with what its version lacks added; see the functions below for what that is.

Run as a program (`python -m local_aws.emulator`) it is the emulator itself; `Emulator` starts and stops that program.
Each amendment is made by text or by wrapping and asserts what it meets, so that another version fails here and loudly.
"""

import inspect
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs

from .waiting import until

AMENDED_VERSION = "1.5.33"
REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    # Whoever runs this may have profiles of real accounts.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

# Makes `aws:SecureTransport` true for policies: the emulator listens without TLS.
CAME_BY_TLS = ("X-Forwarded-Proto", "https")


def time_to_live_of_tables(provisioners, dynamodb):
    """CloudFormation ignores `TimeToLiveSpecification`: hand it to the service's own UpdateTimeToLive."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = handlers["create"]

    def create_with_time_to_live(logical_id, properties, stack):
        name, attributes = create(logical_id, properties, stack)
        if specification := properties.get("TimeToLiveSpecification"):
            enabled = str(specification["Enabled"]).lower() == "true"
            data = {"AttributeName": specification["AttributeName"], "Enabled": enabled}
            status, _, body = dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": data})
            assert status == 200, body
        return name, attributes

    handlers["create"] = create_with_time_to_live


def alarms_of_metric_math(provisioners):
    """CloudFormation refuses an alarm of `Metrics`: it becomes one of its first metric."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create, update = handlers["create"], handlers["update"]

    def plain(properties):
        kept = {name: value for name, value in properties.items() if name != "Metrics"}
        if "Metrics" not in properties:
            return kept
        first = next(metric["MetricStat"] for metric in properties["Metrics"] if "MetricStat" in metric)
        return kept | {
            "Namespace": first["Metric"]["Namespace"],
            "MetricName": first["Metric"]["MetricName"],
            "Dimensions": first["Metric"].get("Dimensions", []),
            "Statistic": first["Stat"],
            "Period": first["Period"],
        }

    def create_plain(logical_id, properties, *rest):
        return create(logical_id, plain(properties), *rest)

    def update_plain(physical_id, old, new, *rest, **named):
        return update(physical_id, plain(old), plain(new), *rest, **named)

    handlers["create"], handlers["update"] = create_plain, update_plain


def concurrency_of_an_event_source(lambda_svc):
    """CloudFormation gives `MaximumConcurrency` as text where it is a parameter; the poller compares numbers."""
    limit = '(esm.get("ScalingConfig") or {}).get("MaximumConcurrency") or _ESM_SQS_DEFAULT_CONCURRENCY'
    amend(lambda_svc, "_sqs_esm_concurrency", limit, f"int({limit})")


def options_to_the_routes(apigateway):
    """An HTTP API without `CorsConfiguration` sends OPTIONS to its routes; the emulator answers it itself."""
    amend(apigateway, "_handle_execute_in_scope", 'if method == "OPTIONS":', 'if method == "OPTIONS" and cors_cfg:')


def arns_of_push_endpoints(sns):
    """The ARN of a platform endpoint has `endpoint/` where its application's has `app/`."""
    amend(
        sns,
        "_create_platform_endpoint",
        'f"{app_arn}/{new_uuid()}"',
        'app_arn.replace(":app/", ":endpoint/") + "/" + new_uuid()',
    )


def encryption_context_for_policies(iam_actions):
    """Conditions of a policy see the encryption context of a call to KMS (`kms:EncryptionContext:<name>`)."""
    context_of = iam_actions.request_tag_context

    def context_with_encryption(service, action, body, parameters):
        context = context_of(service, action, body, parameters)
        if service == "kms":
            pairs = json.loads(body or b"{}").get("EncryptionContext") or {}
            context |= {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
            context |= {"kms:EncryptionContextKeys": list(pairs)} if pairs else {}
        return context

    iam_actions.request_tag_context = context_with_encryption


def a_batch_is_what_each_of_it_is(iam_actions):
    """SendMessageBatch is allowed by `sqs:SendMessage`, and there is no action of its own name (Service Authorization
    Reference, Amazon SQS)."""
    action_of = iam_actions.extract_iam_action

    def action(*arguments, **named):
        found = action_of(*arguments, **named)
        return found.removesuffix("Batch") if found and found.startswith("sqs:") else found

    iam_actions.extract_iam_action = action


def endpoints_are_made_of_an_application(iam_actions):
    """CreatePlatformEndpoint is allowed on the platform application (Service Authorization Reference, Amazon SNS)."""
    resource_of = iam_actions.extract_resource_arn

    def resource(service, method, path, headers, body, *arguments, **named):
        form = parse_qs((body or b"").decode("utf-8", "replace")) if service == "sns" else {}
        if form.get("Action") == ["CreatePlatformEndpoint"]:
            return form["PlatformApplicationArn"][0]
        return resource_of(service, method, path, headers, body, *arguments, **named)

    iam_actions.extract_resource_arn = resource


def amend(module, function: str, before: str, after: str):
    """Compiles a function of `module` again with one text in it replaced."""
    source = inspect.getsource(getattr(module, function))
    assert source.count(before) == 1, f"{module.__name__}.{function} is not the one that was amended"
    exec(compile(source.replace(before, after), module.__file__, "exec"), module.__dict__)


def main():
    assert version("ministack") == AMENDED_VERSION, f"amended for {AMENDED_VERSION}; look at each amendment again"
    from ministack import app
    from ministack.core import iam_actions
    from ministack.services import apigateway, dynamodb, lambda_svc, sns
    from ministack.services.cloudformation import provisioners

    time_to_live_of_tables(provisioners, dynamodb)
    alarms_of_metric_math(provisioners)
    concurrency_of_an_event_source(lambda_svc)
    options_to_the_routes(apigateway)
    arns_of_push_endpoints(sns)
    encryption_context_for_policies(iam_actions)
    a_batch_is_what_each_of_it_is(iam_actions)
    endpoints_are_made_of_an_application(iam_actions)
    sys.argv = ["ministack"]
    app.main()


class Emulator:
    """The emulator as a process; the functions that it starts are told to go to `functions_endpoint`."""

    def __init__(self, port: int, functions_endpoint: str, workplace: Path):
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = workplace / "ministack.log"
        scratch = workplace / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        # Nothing of the caller's environment may reach the functions, which inherit the emulator's.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= CREDENTIALS | {
            "BIND_HOST": "127.0.0.1",
            # Functions call under their own roles, and what a role does not allow is denied.
            "AUTH": "true",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            "AWS_ENDPOINT_URL": functions_endpoint,
            "TMPDIR": str(scratch),
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "local_aws.emulator"]
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until("ministack answers", self._answers, seconds=60)
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"ministack ended at its start:\n{self.log.read_text()}"
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, TimeoutError):
            return False

    def stop(self):
        """Ends the emulator and the functions it started: they are the process group that was made for it."""
        for kill in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kill)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()

    def serving(self, function: str) -> dict[int, dict[str, str]]:
        """The processes of a function that are there now, with their environments (Linux: /proc)."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.getpgid(int(entry.name)) != self.process.pid:
                    continue
                pairs = (entry / "environ").read_bytes().decode().split("\0")
                environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
                if environment.get("AWS_LAMBDA_FUNCTION_NAME") == function:
                    found[int(entry.name)] = environment
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
        return found


if __name__ == "__main__":
    main()
