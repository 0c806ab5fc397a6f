"""What the roles of the deployed functions allow, and how that compares with what was recorded.

The template, transformed by SAM and deployed, has become roles; they are read back with their ARNs filled in.
"""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote

from .emulator import REGION
from .recorder import Call
from .stack import Stack

# Statements for what a service does on a function's behalf, and never the function itself.
ON_ITS_BEHALF = ("ThroughDynamoDb", "ThroughSqs", "Poller", "Logs")
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Statement:
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: str
    """As JSON, so that a statement can be compared."""

    @property
    def direct(self) -> bool:
        return self.effect == "Allow" and not self.sid.startswith(ON_ITS_BEHALF)

    def condition(self) -> dict:
        return json.loads(self.conditions)


def listed(value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def statements_of(stack: Stack, function: str) -> list[Statement]:
    """All statements of a function's role: inline policies, and managed ones by name (there should be none)."""
    role = stack.client("lambda").get_function_configuration(FunctionName=stack.function_name(function))["Role"]
    name, iam = role.rsplit("/", 1)[1], stack.client("iam")
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert not attached, f"{function}: {[one['PolicyArn'] for one in attached]} allow more than anybody has read here"
    found = []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        document = json.loads(unquote(document)) if isinstance(document, str) else document
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        for one in statements:
            assert not {"NotAction", "NotResource", "NotPrincipal"} & set(one) or one["Effect"] == "Deny", one
            found.append(
                Statement(
                    one.get("Sid", ""),
                    one["Effect"],
                    listed(one.get("Action")),
                    listed(one.get("Resource")),
                    json.dumps(one.get("Condition", {}), sort_keys=True),
                )
            )
    return found


def arn_of(call: Call) -> str:
    """The resource of a call as an ARN."""
    if call.resource.startswith("arn:"):
        return call.resource
    if call.action.startswith("dynamodb:"):
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{call.resource}"
    if call.action.startswith("sqs:"):
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{call.resource.rsplit('/', 1)[1]}"
    return call.resource


def allowed(statements: list[Statement]) -> set[tuple[str, str]]:
    return {(action, arn) for one in statements if one.direct for action in one.actions for arn in one.resources}


def differences(statements: list[Statement], calls: list[Call]) -> tuple[list[str], list[str]]:
    """What was called and is not allowed, and what is allowed and was not called."""
    called, grants = {(call.action, arn_of(call)) for call in calls}, allowed(statements)

    def grants_it(grant, call) -> bool:
        return grant[0] == call[0] and fnmatchcase(call[1], grant[1])

    missing = [
        f"{action} on {arn}" for action, arn in called if not any(grants_it(grant, (action, arn)) for grant in grants)
    ]
    superfluous = [
        f"{action} on {arn}" for action, arn in grants if not any(grants_it((action, arn), call) for call in called)
    ]
    return sorted(missing), sorted(superfluous)
