"""Stands between the functions and the emulator and writes down which function called which AWS action with what."""

import json
import re
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs

from .emulator import CAME_BY_TLS
from .proxy import Message, Proxy, answer

APP = re.compile(r"\bapp/(\S+)")
# What each element of a transaction is to IAM (DynamoDB's service authorization reference).
ELEMENTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
SERVICES = {"DynamoDB_20120810": "dynamodb", "TrentService": "kms", "AmazonSQS": "sqs", "AmazonSNS": "sns"}


@dataclass(frozen=True)
class Call:
    """One action, as IAM names it, on one resource as the request names it."""

    function: str
    """The function's name, or "" for a caller that does not name itself (the operator)."""
    action: str
    resource: str
    operation: str
    """As the API names it: a transaction is one operation of several actions."""
    connection: int
    body: dict
    status: int


def caller(request: Message) -> str:
    for name in ("user-agent", "x-amz-user-agent"):
        if found := APP.search(request.header(name)):
            return found[1]
    return ""


def operation_of(request: Message) -> tuple[str, str, dict]:
    """Service, operation and parameters; ("", "", {}) for what is none of the recorded services."""
    if target := request.header("x-amz-target"):
        service, _, operation = target.partition(".")
        if service in SERVICES:
            return SERVICES[service], operation, json.loads(request.body or b"{}")
    form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    if "Action" in form:
        service = "sqs" if "QueueUrl" in form else "sns"
        return service, form["Action"], form
    return "", "", {}


def actions_of(service: str, operation: str, body: dict) -> list[tuple[str, str]]:
    """What IAM asks about for a call: pairs of action and resource."""
    if service == "dynamodb" and operation == "TransactWriteItems":
        elements = [next(iter(element.items())) for element in body["TransactItems"]]
        return [(f"dynamodb:{ELEMENTS[kind]}", element["TableName"]) for kind, element in elements]
    if service == "dynamodb" and operation == "BatchGetItem":
        return [("dynamodb:BatchGetItem", table) for table in body["RequestItems"]]
    if service == "dynamodb" and "IndexName" in body:
        return [(f"dynamodb:{operation}", f"{body['TableName']}/index/{body['IndexName']}")]
    keys = ("TableName", "KeyId", "TargetArn", "TopicArn", "PlatformApplicationArn", "QueueUrl")
    # A batch is to IAM what each of it is.
    action = operation.removesuffix("Batch")
    return [(f"{service}:{action}", next((body[key] for key in keys if key in body), ""))]


class Recorder(Proxy):
    """Records calls; `refuse` makes some of them fail."""

    def __init__(self, target_port: int):
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._refusals = []
        super().__init__(target_port)

    def decide(self, request: Message, connection: int) -> Message | None:
        # On AWS the call would have come by TLS.
        request.headers.append(CAME_BY_TLS)
        service, operation, body = operation_of(request)
        for refusal in list(self._refusals):
            if refusal.wanted(caller(request), f"{service}:{operation}", body):
                return refusal.answer(service)
        return None

    def passed(self, request: Message, response: Message, connection: int):
        service, operation, body = operation_of(request)
        if not service:
            return
        status = int(response.first.split(" ", 2)[1])
        calls = [
            Call(caller(request), action, resource, operation, connection, body, status)
            for action, resource in actions_of(service, operation, body)
        ]
        with self._lock:
            self._calls += calls

    def calls(self, function: str | None = None, since: int = 0) -> list[Call]:
        with self._lock:
            calls = self._calls[since:]
        return [call for call in calls if function is None or call.function == function]

    def mark(self) -> int:
        with self._lock:
            return len(self._calls)

    def refuse(self, wanted, status: int, code: str) -> "Refusal":
        """For a `with`: calls of which `wanted(function, operation, body)` holds get an AWS error."""
        return Refusal(self, wanted, status, code)


@dataclass
class Refusal:
    recorder: Recorder
    wanted: object
    status: int
    code: str

    def answer(self, service: str) -> Message:
        """In the words of the service: SNS speaks the query protocol, the others JSON."""
        if service == "sns":
            error = f"<Error><Type>Sender</Type><Code>{self.code}</Code><Message>refused by the test</Message></Error>"
            return answer(self.status, f"<ErrorResponse>{error}</ErrorResponse>".encode(), {"content-type": "text/xml"})
        body = json.dumps({"__type": self.code, "message": "refused by the test"}).encode()
        return answer(self.status, body, {"content-type": "application/x-amz-json-1.0"})

    def __enter__(self):
        self.recorder._refusals.append(self)
        return self

    def __exit__(self, *_):
        self.recorder._refusals.remove(self)
