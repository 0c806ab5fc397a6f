"""The delivery queue: of ten messages one is poison; nine are sent, the poison one is put aside."""

import json
import time
import uuid

from local_aws.waiting import until

MAX_RECEIVES = 5


def message(target: str, challenge: str, expires_in: int = 300) -> dict:
    return {
        "version": 1,
        "tenantId": "suite",
        "challengeId": challenge,
        "userAuthenticatorId": str(uuid.uuid4()),
        "target": target,
        "platform": "GCM",
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
    payloads = [json.loads(json.loads(call.body["Message"])["GCM"]) for call in calls]
    return [payload["fcmV1Message"]["message"]["data"]["challengeId"] for payload in payloads]


def endpoint_of_a_phone(stack) -> str:
    sns = stack.client("sns")
    application = sns.create_platform_application(Name="phones", Platform="GCM", Attributes={"PlatformCredential": "none"})
    arn = application["PlatformApplicationArn"]
    return sns.create_platform_endpoint(PlatformApplicationArn=arn, Token=uuid.uuid4().hex)["EndpointArn"]


def test_nine_of_ten_arrive_and_the_poison_one_is_put_aside(stack, recorder):
    sqs = stack.client("sqs")
    queue, dead = stack.outputs["DeliveryQueueUrl"], stack.outputs["DeliveryDeadLetterQueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (MAX_RECEIVES, str(MAX_RECEIVES))
    # The template's visibility (6 x the function's timeout) is right for AWS and minutes too long to wait for here:
    # the queue that was deployed is told one second, the template stays as it is.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})

    target, since = endpoint_of_a_phone(stack), recorder.mark()
    challenges = [f"challenge-{number}" for number in range(9)]
    poison = json.dumps(message(target, "poison") | {"version": 99})
    bodies = [json.dumps(message(target, challenge)) for challenge in challenges]
    put(stack, [*bodies[:4], poison, *bodies[4:]])

    until("the nine are sent", lambda: len(sent(recorder, stack, since)) >= 9, seconds=30)

    def put_aside():
        asked = {"QueueUrl": dead, "MessageSystemAttributeNames": ["ApproximateReceiveCount"], "WaitTimeSeconds": 1}
        return sqs.receive_message(**asked).get("Messages")

    [letter] = until("the poison one is in the dead-letter queue", put_aside, seconds=60)
    assert letter["Body"] == poison
    assert int(letter["Attributes"]["ApproximateReceiveCount"]) > MAX_RECEIVES
    assert sorted(sent(recorder, stack, since)) == challenges, "each once: its neighbours did not come back with it"
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"]
    assert [left[name] for name in counts] == ["0", "0"], left
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": attributes["VisibilityTimeout"]})


def test_a_push_for_a_challenge_that_is_over_is_dropped(stack, recorder):
    target, since = endpoint_of_a_phone(stack), recorder.mark()
    put(stack, [json.dumps(message(target, "over", expires_in=-1)), json.dumps(message(target, "open"))])
    until("the open one is sent", lambda: sent(recorder, stack, since), seconds=30)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty():
        asked = {"QueueUrl": stack.outputs["DeliveryQueueUrl"], "AttributeNames": counts}
        left = stack.client("sqs").get_queue_attributes(**asked)["Attributes"]
        return all(left[name] == "0" for name in counts)

    until("the queue is empty", empty, seconds=30)
    assert sent(recorder, stack, since) == ["open"]
