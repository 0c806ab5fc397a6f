"""The delivery queue: of ten messages one is poison; nine are sent, the poison one is put aside."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from local_aws.stack import STACK
from local_aws.waiting import until

MAX_RECEIVES = 5
PLATFORMS = ("GCM", "APNS", "APNS_SANDBOX")


def message(target: str, challenge: str, expires_in: int = 300) -> dict:
    return {
        "version": 1,
        "tenantId": "suite",
        "challengeId": challenge,
        "userAuthenticatorId": str(uuid.uuid4()),
        "target": target,
        "platform": next(platform for platform in PLATFORMS if f":endpoint/{platform}/" in target),
        "expiresAt": int(time.time()) + expires_in,
    }


def put(stack, bodies: list[str]):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    answer = stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["DeliveryQueueUrl"], Entries=entries)
    assert len(answer["Successful"]) == len(bodies), answer


def sent(recorder, stack, since: int) -> list[str]:
    """The challenges that SNS took a push for, in the words of the payload itself."""
    calls = [call for call in recorder.calls(stack.function_name("deliver"), since) if call.status == 200]
    assert all(call.action == "sns:Publish" and call.body["MessageStructure"] == "json" for call in calls), calls
    return [challenge_of(json.loads(call.body["Message"])) for call in calls]


def challenge_of(texts: dict) -> str:
    """Beside the default there is one text, for the one service; each has the challenge where that service has data."""
    [platform] = set(texts) - {"default"}
    payload = json.loads(texts[platform])
    return payload["fcmV1Message"]["message"]["data"]["challengeId"] if platform == "GCM" else payload["challengeId"]


def phones(stack) -> list[str]:
    """An endpoint on each push service, of applications that carry the stack's name, as the role asks for."""
    sns, endpoints = stack.client("sns"), []
    for platform in PLATFORMS:
        secrets = {"PlatformCredential": "none", "PlatformPrincipal": "none"}
        made = sns.create_platform_application(Name=f"{STACK}-app", Platform=platform, Attributes=secrets)
        asked = {"PlatformApplicationArn": made["PlatformApplicationArn"], "Token": uuid.uuid4().hex}
        endpoints.append(sns.create_platform_endpoint(**asked)["EndpointArn"])
    return endpoints


def left(stack) -> list[str]:
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    asked = {"QueueUrl": stack.outputs["DeliveryQueueUrl"], "AttributeNames": counts}
    attributes = stack.client("sqs").get_queue_attributes(**asked)["Attributes"]
    return [attributes[name] for name in counts]


def test_nine_of_ten_arrive_and_the_poison_one_is_put_aside(stack, recorder):
    sqs = stack.client("sqs")
    queue, dead = stack.outputs["DeliveryQueueUrl"], stack.outputs["DeliveryDeadLetterQueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (MAX_RECEIVES, str(MAX_RECEIVES))
    # The template's visibility (6 x the function's timeout) is right for AWS and minutes too long to wait for here:
    # the queue that was deployed is told one second, the template stays as it is.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})

    targets, since = phones(stack), recorder.mark()
    challenges = [f"challenge-{number}" for number in range(9)]
    poison = json.dumps(message(targets[0], "poison") | {"version": 99})
    bodies = [json.dumps(message(target, challenge)) for target, challenge in zip(targets * 3, challenges)]
    put(stack, [*bodies[:4], poison, *bodies[4:]])

    until("the nine are sent", lambda: len(sent(recorder, stack, since)) >= 9, seconds=30)

    def put_aside():
        asked = {"QueueUrl": dead, "MessageSystemAttributeNames": ["ApproximateReceiveCount"], "WaitTimeSeconds": 1}
        return sqs.receive_message(**asked).get("Messages")

    [letter] = until("the poison one is in the dead-letter queue", put_aside, seconds=60)
    assert letter["Body"] == poison
    assert int(letter["Attributes"]["ApproximateReceiveCount"]) > MAX_RECEIVES
    assert sorted(sent(recorder, stack, since)) == challenges, "each once: its neighbours did not come back with it"
    assert left(stack) == ["0", "0"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": attributes["VisibilityTimeout"]})


def test_a_push_for_a_challenge_that_is_over_is_dropped(stack, recorder):
    target, since = phones(stack)[0], recorder.mark()
    put(stack, [json.dumps(message(target, "over", expires_in=-1)), json.dumps(message(target, "open"))])
    until("the open one is sent", lambda: sent(recorder, stack, since), seconds=30)
    until("the queue is empty", lambda: left(stack) == ["0", "0"], seconds=30)
    assert sent(recorder, stack, since) == ["open"]


@pytest.mark.parametrize("queue", ["DeliveryQueueUrl", "DeliveryDeadLetterQueueUrl"])
def test_a_queue_takes_nothing_that_came_without_tls(stack, queue):
    with pytest.raises(ClientError) as refused:
        stack.client("sqs", tls=False).send_message(QueueUrl=stack.outputs[queue], MessageBody="{}")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
