"""Each function may do what it was seen to do in this whole run, on those resources, and nothing else."""

import re

import pytest
from botocore.exceptions import ClientError

from local_aws.policies import differences, statements_of
from local_aws.stack import FUNCTIONS

# Each for one purpose, which the encryption context names.
MAY_DECRYPT = {
    "enroll": "tenant-data-key",
    "verify": "tenant-data-key",
    "hosted-ui": "tenant-data-key",
    "deliver": "web-push-key",
}
# Suites that together make every function do all it ever does.
NEEDED = ("test_sdks.py", "test_routes.py", "test_races.py", "test_delivery.py")
# An ARN ends where its resource does. Push endpoints come and go with phones, so theirs is a pattern below one account.
EXACT = re.compile(r"arn:aws:[a-z0-9]+:[a-z0-9-]+:\d{12}:[^*?]+")
PATTERNS = re.compile(
    r"arn:aws:(sns:[a-z0-9-]+:\d{12}:(app|endpoint)/[^*?]*\*|logs:[a-z0-9-]+:\d{12}:log-group:[^*?]+:(log-stream:)?\*)"
)


@pytest.fixture(scope="session")
def whole_run(request):
    ran = {item.path.name for item in request.session.items}
    missing = [name for name in NEEDED if name not in ran]
    assert not missing, f"this compares what a whole run did with what is allowed: run {', '.join(missing)} too"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_may_is_what_it_did(whole_run, stack, recorder, function):
    calls = recorder.calls(stack.function_name(function))
    missing, superfluous = differences(statements_of(stack, function), calls)
    said = [f"{function} was seen to do, and its role does not allow: {one}" for one in missing]
    said += [f"{function} may, and was never seen to do: {one}" for one in superfluous]
    assert not said, "\n".join(said)


def test_every_call_was_of_a_function_or_of_the_suite(whole_run, stack, recorder):
    known = {stack.function_name(function) for function in FUNCTIONS} | {""}
    strangers = {call.function for call in recorder.calls()} - known
    assert not strangers, strangers


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_statement_is_wide(stack, function):
    """The Allow statements; a Deny may be as wide as it likes."""
    for one in statements_of(stack, function):
        if one.effect != "Allow":
            continue
        for action in one.actions:
            assert "*" not in action, f"{function}, {one.sid}: {action}"
            assert action != "dynamodb:Scan", f"{function}, {one.sid}"
        for arn in one.resources:
            assert EXACT.fullmatch(arn) or PATTERNS.fullmatch(arn), f"{function}, {one.sid}: {arn} is not exact"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_decrypts_does_so_for_one_purpose(stack, function):
    decrypting = [one for one in statements_of(stack, function) if one.direct and "kms:Decrypt" in one.actions]
    assert bool(decrypting) == (function in MAY_DECRYPT), decrypting
    for one in decrypting:
        assert one.resources == (stack.outputs["SecretsKeyArn"],), one
        conditions = {key: value for operator in one.condition().values() for key, value in operator.items()}
        purpose = conditions.get("kms:EncryptionContext:countersign:purpose")
        assert purpose in (MAY_DECRYPT[function], [MAY_DECRYPT[function]]), f"{function}, {one.sid}: {one.conditions}"


def test_each_decryption_names_its_purpose_and_its_tenant(whole_run, stack, recorder):
    purposes = {stack.function_name(function): purpose for function, purpose in MAY_DECRYPT.items()}
    decryptions = [call for call in recorder.calls() if call.action == "kms:Decrypt" and call.function in purposes]
    assert {call.function for call in decryptions} == set(purposes)
    for call in decryptions:
        context = call.body.get("EncryptionContext", {})
        assert context.get("countersign:purpose") == purposes[call.function], context
        assert set(context) == {"countersign:purpose", "countersign:tenant"}, context


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_services_do_on_its_behalf_names_the_service(stack, function):
    """KMS through DynamoDB or SQS is allowed only there (`kms:ViaService`); the poller has the queue."""
    for one in statements_of(stack, function):
        if one.effect == "Allow" and one.sid.startswith("Through"):
            assert all(action.startswith("kms:") for action in one.actions), one
            conditions = {key: value for operator in one.condition().values() for key, value in operator.items()}
            via = str(conditions.get("kms:ViaService", ""))
            assert {"ThroughDynamoDb": "dynamodb.", "ThroughSqs": "sqs."}[one.sid.rstrip("0123456789")] in via, one
        if one.effect == "Allow" and one.sid.startswith("Poller"):
            assert function == "deliver" and all(action.startswith("sqs:") for action in one.actions), one
        if one.effect == "Allow" and one.sid.startswith("Logs"):
            assert set(one.actions) <= {"logs:CreateLogStream", "logs:PutLogEvents"}, one


@pytest.fixture
def acting_as(stack, emulator, api):
    """Clients with the credentials of a process of a function: the emulator checks each call against the role."""
    api.enrolled()  # Each function that this needs has a process now.

    def client(function: str, service: str):
        environment = next(iter(emulator.serving(stack.function_name(function)).values()))
        assert environment["AWS_SESSION_TOKEN"], "the session of a role"
        return stack.client(service, environment=environment)

    return client


def denied(call, *arguments, **named):
    with pytest.raises(ClientError) as refused:
        call(*arguments, **named)
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), refused.value


def test_verify_decrypts_a_data_key_in_its_context_alone(acting_as, stack):
    key, kms = stack.outputs["SecretsKeyArn"], acting_as("verify", "kms")
    purpose, tenant = {"countersign:purpose": "tenant-data-key"}, {"countersign:tenant": "t1"}
    odd = [{}, purpose, tenant, purpose | tenant | {"more": "1"}, tenant | {"countersign:purpose": "other"}]

    def decrypt(context: dict) -> dict:
        account = stack.client("kms")
        made = account.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        return kms.decrypt(KeyId=key, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)

    assert len(decrypt(purpose | tenant)["Plaintext"]) == 32
    for context in odd:
        denied(decrypt, context)
    denied(kms.decrypt, KeyId=key, CiphertextBlob=b"x" * 64, EncryptionContext={})


def test_deliver_opens_the_web_push_key_and_no_data_key(acting_as, stack):
    key, kms, account = stack.outputs["SecretsKeyArn"], acting_as("deliver", "kms"), stack.client("kms")

    def decrypt(purpose: str) -> dict:
        context = {"countersign:purpose": purpose, "countersign:tenant": "t1"}
        made = account.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        return kms.decrypt(KeyId=key, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)

    assert len(decrypt("web-push-key")["Plaintext"]) == 32
    denied(decrypt, "tenant-data-key")


def test_nobody_else_decrypts_and_nobody_scans(acting_as, stack):
    context = {"countersign:purpose": "tenant-data-key", "countersign:tenant": "t1"}
    key = stack.outputs["SecretsKeyArn"]
    made = stack.client("kms").generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256", EncryptionContext=context
    )
    for function in ("track", "verify", "enroll"):
        denied(acting_as(function, "dynamodb").scan, TableName=stack.table)
        denied(acting_as(function, "sqs").receive_message, QueueUrl=stack.outputs["DeliveryQueueUrl"])
    denied(
        acting_as("track", "kms").decrypt, KeyId=key, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context
    )
    denied(acting_as("track", "kms").generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=context)
