"""The delivery queue: of ten messages one is poison; nine are sent, the poison one is put aside."""

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from local_aws.api import Api, Phone, unique
from local_aws.device import Device
from local_aws.stack import STACK
from local_aws.waiting import until

MAX_RECEIVES = 5


def message(tenant, challenge: str, device: str, age: int = 0, expires_in: int = 100) -> str:
    now = int(time.time())
    return json.dumps(
        {
            "version": 2,
            "tenantId": tenant.id,
            "challengeId": challenge,
            "userAuthenticatorId": device,
            "enqueuedAt": now - age,
            "expiresAt": now + expires_in,
        }
    )


def put(stack, bodies: list[str]):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    answer = stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["DeliveryQueueUrl"], Entries=entries)
    assert len(answer["Successful"]) == len(bodies), answer


def sent(recorder, stack, since: int) -> list[str]:
    """The challenges that SNS took a push for, in the words of the payload itself."""
    calls = [call for call in recorder.calls(stack.function_name("deliver"), since) if call.action == "sns:Publish"]
    calls = [call for call in calls if call.status == 200]
    assert all(call.body["MessageStructure"] == "json" for call in calls), calls
    return [challenge_of(json.loads(call.body["Message"])) for call in calls]


def challenge_of(texts: dict) -> str:
    """Beside the default there is one text, for the one service; each has the challenge where that service has data."""
    [platform] = set(texts) - {"default"}
    payload = json.loads(texts[platform])
    return payload["fcmV1Message"]["message"]["data"]["challengeId"] if platform == "GCM" else payload["challengeId"]


@pytest.fixture(scope="module")
def application(stack, operator, tenant) -> str:
    """The tenant's way to Android phones: an application that carries the stack's name, as the role asks for."""
    arn = made_application(stack, "GCM")
    said = operator.run("push", "set", "fcm", "--application", arn, "--tenant", tenant.id)
    assert said["applications"] == {"GCM": arn}
    return arn


def made_application(stack, platform: str) -> str:
    secrets = {"PlatformCredential": "none", "PlatformPrincipal": "none"}
    asked = {"Name": f"{STACK}-app", "Platform": platform, "Attributes": secrets}
    return stack.client("sns").create_platform_application(**asked)["PlatformApplicationArn"]


def asked(api, user: str, **more) -> tuple[str, str]:
    token = api.track(user)["token"]
    return token, api.client(token, "POST", "/challenge/push", more).ok()["challengeId"]


def standing(api, token: str, challenge: str) -> dict:
    return api.client(token, "POST", "/verify/push", {"challengeId": challenge}).ok()


def left(stack) -> list[str]:
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    asked = {"QueueUrl": stack.outputs["DeliveryQueueUrl"], "AttributeNames": counts}
    attributes = stack.client("sqs").get_queue_attributes(**asked)["Attributes"]
    return [attributes[name] for name in counts]


def test_a_push_goes_through_the_queue_to_the_phone_and_is_approved(api, stack, recorder, application):
    user, since = unique(), recorder.mark()
    device = Device(api, user, push_token=uuid.uuid4().hex)
    token, challenge = asked(api, user, numberMatching=True)
    until("the push is sent", lambda: challenge in sent(recorder, stack, since), seconds=30)
    shown = device.pending()
    assert (shown["challengeId"], shown["actionCode"], shown["numberMatching"]) == (challenge, "sign-in", True)
    assert standing(api, token, challenge) == {"isVerified": False, "isConsumed": False}
    assert device.answer(challenge, False).ok() == {"isVerified": False}
    assert standing(api, token, challenge) == {"isVerified": False, "isConsumed": True}
    again = api.client(token, "POST", "/challenge/push", {"numberMatching": True}).ok()
    number = again["verificationCode"]
    approved = device.answer(again["challengeId"], True, verificationCode=number).ok()
    assert approved == {"isVerified": True}
    better = standing(api, token, again["challengeId"])["accessToken"]
    assert api.validate(better)["state"] == "CHALLENGE_SUCCEEDED"
    receipt = api.server("GET", f"/challenges/{again['challengeId']}/receipt").ok()
    assert receipt["signature"] and receipt["userId"] == user
    calls = recorder.calls(since=since)
    outside = [call for call in calls if call.action.split(":")[0] in ("sns", "sqs")]
    assert outside and number not in json.dumps([call.body for call in outside]), "T22: the number is in no push"


@pytest.mark.parametrize(("service", "platform"), [("apns", "APNS"), ("apns-sandbox", "APNS_SANDBOX")])
def test_an_iphone_is_reached_through_the_application_of_its_tenant(operator, origin, stack, recorder, service, platform):
    tenant, user, since = operator.create_tenant(service), unique(), recorder.mark()
    said = operator.run("push", "set", service, "--application", made_application(stack, platform), "--tenant", tenant.id)
    assert list(said["applications"]) == [platform]
    api = Api(origin, tenant)
    Device(api, user, push_token=uuid.uuid4().hex, platform="ios")
    _, challenge = asked(api, user)
    until("the push is sent", lambda: challenge in sent(recorder, stack, since), seconds=30)


def test_an_application_is_made_of_credentials(operator, stack, tmp_path):
    tenant = operator.create_tenant("credentials")
    account, key = tmp_path / "account.json", tmp_path / "key.p8"
    account.write_text(json.dumps({"type": "service_account", "private_key": "none", "project_id": "p"}))
    key.write_text("-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n")
    apple = ["--signing-key", str(key), "--key-id", "K", "--team-id", "T", "--bundle-id", "com.example.app"]
    operator.run("push", "set", "fcm", "--service-account", str(account), "--tenant", tenant.id)
    said = operator.run("push", "set", "apns", *apple, "--tenant", tenant.id)
    assert sorted(said["applications"]) == ["APNS", "GCM"]
    for platform, arn in said["applications"].items():
        assert f":app/{platform}/{STACK}-" in arn, "the roles allow what carries the stack's name"
        assert stack.client("sns").get_platform_application_attributes(PlatformApplicationArn=arn)["Attributes"]
    shown = operator.run("push", "unset", "apns", "--tenant", tenant.id)
    assert list(shown["applications"]) == ["GCM"]


@pytest.fixture
def push_service():
    """A push service of browsers on loopback, which remembers what it was sent."""
    received = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_a_browser_is_reached_through_its_push_service(operator, origin, push_service):
    service, received = push_service
    tenant, user = operator.create_tenant("web"), unique()
    said = operator.run("push", "set", "web", "--subject", "mailto:ops@example.com", "--also", service, "--tenant", tenant.id)
    api = Api(origin, tenant)
    # Any point and any 16 bytes are a browser: what it can read is tested where there is one (tests/suites/delivery).
    point = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    keys = {"p256dh": point, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    subscription = json.dumps({"endpoint": f"{service}/push/1", "keys": keys})
    device = Device(api, user, push_token=subscription, platform="web")
    shown = device.call("GET", "/v1/client/user-authenticators/push/web-push-key").ok()
    assert shown["applicationServerKey"] == said["web"]["applicationServerKey"]
    asked(api, user)
    until("the push service is asked", lambda: received, seconds=30)
    [(path, headers, body)] = received
    assert (path, headers["Content-Encoding"], headers["Urgency"]) == ("/push/1", "aes128gcm", "high")
    assert headers["Authorization"].endswith(f", k={shown['applicationServerKey']}") and len(body) > 100


def test_a_dead_endpoint_beside_a_live_one_is_reported_and_holds_up_nobody(api, stack, recorder, application):
    user, since = unique(), recorder.mark()
    devices = [Device(api, user, push_token=uuid.uuid4().hex) for _ in range(2)]
    asked(api, user)
    until("both are told", lambda: len(sent(recorder, stack, since)) >= 2, seconds=30)
    published = [call for call in recorder.calls(stack.function_name("deliver"), since) if call.action == "sns:Publish"]
    gone = published[0].body["TargetArn"]

    def of_the_dead_one(caller, action, body):
        return caller == stack.function_name("deliver") and action == "sns:Publish" and body["TargetArn"] == gone

    with recorder.refuse(of_the_dead_one, 400, "EndpointDisabled"):
        since = recorder.mark()
        _, challenge = asked(api, user)
        until("the live one is told", lambda: challenge in sent(recorder, stack, since), seconds=30)

        def reported():
            listed = api.server("GET", f"/users/{user}/authenticators").ok()
            return [one for one in listed if one.get("errorCode") == "endpoint_disabled"]

        [one] = until("the dead one is reported", reported, seconds=30)
    silent = next(device for device in devices if device.id == one["userAuthenticatorId"])
    assert silent.answer(challenge, True).ok() == {"isVerified": True}, "it still asks, and approves"


def test_a_push_service_that_is_down_for_a_while_loses_no_push(api, stack, recorder, application):
    user, since = unique(), recorder.mark()
    Device(api, user, push_token=uuid.uuid4().hex)
    down = lambda caller, action, body: caller == stack.function_name("deliver") and action == "sns:Publish"  # noqa: E731
    with recorder.refuse(down, 503, "ServiceUnavailable"):
        _, challenge = asked(api, user)

        def told_later():
            calls = recorder.calls(stack.function_name("deliver"), since)
            return [call for call in calls if call.action == "sqs:ChangeMessageVisibility"]

        until("it is put off", told_later, seconds=30)
        assert challenge not in sent(recorder, stack, since)
    until("it is sent when the service is back", lambda: challenge in sent(recorder, stack, since), seconds=60)


def test_a_device_is_changed_made_the_default_and_removed(api, application):
    user = unique()
    device = Device(api, user, push_token=uuid.uuid4().hex)
    assert device.known().ok()["userAuthenticatorId"] == device.id
    assert device.change_token("another")["pushToken"] == "another"
    changed = api.server("PATCH", f"/users/{user}/authenticators/{device.id}", {"isDefault": True}).ok()
    assert changed["isDefault"] is True
    assert device.remove() == {"removedAuthenticatorId": device.id}
    device.known().refused(403, "invalid_credential")


def test_a_qr_code_signs_in_and_so_does_the_app(api):
    user = unique()
    scanner, app = Device(api, user, "qr-code"), Device(api, user, "in-app")
    shown = scanner.call("POST", "/v1/client/challenge/qr-code", {"action": "sign-in"}).ok()
    tag = scanner.call("GET", f"/v1/client/challenge/qr-code/{shown['challengeId']}/ndef").ok()
    assert tag["uri"].endswith(shown["challengeId"])
    claimed = scanner.claim(shown["challengeId"]).ok()
    assert claimed["ipAddress"], "API Gateway says where the browser is"
    assert scanner.answer(shown["challengeId"], True).ok() == {"isVerified": True}
    polled = {"challengeId": shown["challengeId"], "deviceCode": shown["deviceCode"]}
    said = scanner.call("POST", "/v1/client/verify/qr-code", polled).ok()
    assert api.validate(said["accessToken"])["userId"] == user
    begun = app.call("POST", "/v1/client/challenge", {"action": "sign-in"}).ok()["challengeId"]
    signed = {"challengeId": begun, "publicKey": app.public_key, "signature": app.sign(begun)}
    token = app.call("POST", "/v1/client/verify/in-app", signed).ok()["token"]
    assert api.validate(token)["state"] == "CHALLENGE_SUCCEEDED"


def test_what_is_added_or_removed_is_told_to_the_phone_that_was_there(api, stack, recorder, application):
    """By whichever function does it: a key of a device, an app that the backend vouches for, one by its first code; and
    what the backend removes."""
    user, since = unique(), recorder.mark()
    Device(api, user, push_token=uuid.uuid4().hex)
    key = Device(api, user, "qr-code")
    until("the key is told", lambda: len(sent(recorder, stack, since)) >= 1, seconds=30)
    api.imported(user)
    until("the app is told, and its first recovery codes", lambda: len(sent(recorder, stack, since)) >= 3, seconds=30)
    token = api.track(user, scope="read:authenticators add:authenticators")["token"]
    app = Phone(user, api.client(token, "POST", "/user-authenticators/totp").ok()["secret"])
    assert api.verify(token, app.code()).ok()["isVerified"] is True
    until("the second app is told", lambda: len(sent(recorder, stack, since)) >= 4, seconds=30)
    api.server("DELETE", f"/users/{user}/authenticators/{key.id}").ok()
    until("the removal is told", lambda: len(sent(recorder, stack, since)) >= 5, seconds=30)


def test_data_points_are_managed(api):
    point = api.management("POST", "/custom-data-points", {"name": "amount", "dataType": "number", "modelType": "action"}).ok()
    path = f"/custom-data-points/{point['id']}"
    assert api.management("PATCH", path, {"isPublic": True}).ok()["isPublic"] is True
    assert api.management("GET", path).ok()["name"] == "amount"
    assert [one["id"] for one in api.management("GET", "/custom-data-points").ok()] == [point["id"]]
    api.management("DELETE", path).ok()
    api.management("GET", path).refused(404, "not_found")


@pytest.fixture
def impatient(stack):
    """The template's visibility (6 x the function's timeout) is right for AWS and too long to wait for here: the queue
    that was deployed is told one second, the template stays as it is."""
    sqs, queue = stack.client("sqs"), stack.outputs["DeliveryQueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)


def test_a_consumer_that_fails_after_sending_sends_again_and_nothing_after_the_end(
    api, stack, recorder, application, impatient
):
    user, deliver = unique(), stack.function_name("deliver")
    device, since = Device(api, user, push_token=uuid.uuid4().hex), recorder.mark()
    # What it writes down once SNS has the push: a message whose consumer dies there was not deleted either.
    noting = lambda caller, action, body: caller == deliver and action == "dynamodb:UpdateItem"  # noqa: E731
    with recorder.refuse(noting, 400, "AccessDeniedException"):
        _, challenge = asked(api, user)
        until("it is sent", lambda: sent(recorder, stack, since).count(challenge) >= 1, seconds=30)
    until("it is sent again", lambda: sent(recorder, stack, since).count(challenge) >= 2, seconds=30)
    until("the queue is empty", lambda: left(stack) == ["0", "0"], seconds=30)
    device.answer(challenge, False).ok()
    since = recorder.mark()
    put(stack, [message(api.tenant, challenge, device.id)] * 3)
    until("the late ones are taken", lambda: left(stack) == ["0", "0"], seconds=30)
    assert challenge not in sent(recorder, stack, since), "nothing is pushed after the end"


def test_nine_of_ten_arrive_and_the_poison_one_is_put_aside(api, stack, operator, recorder, application, impatient):
    sqs = stack.client("sqs")
    queue, dead = stack.outputs["DeliveryQueueUrl"], stack.outputs["DeliveryDeadLetterQueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (MAX_RECEIVES, str(MAX_RECEIVES))
    before, open_ones = recorder.mark(), []
    for user in (unique(), unique(), unique()):
        device = Device(api, user, push_token=uuid.uuid4().hex)
        open_ones += [(asked(api, user)[1], device.id) for _ in range(3)]
    until("each is sent once", lambda: len(sent(recorder, stack, before)) >= 9, seconds=60)

    since = recorder.mark()
    poison = message(api.tenant, "poison", "x").replace('"version": 2', '"version": 99')
    bodies = [message(api.tenant, challenge, device) for challenge, device in open_ones]
    put(stack, [*bodies[:4], poison, *bodies[4:]])
    until("the nine are sent again", lambda: len(sent(recorder, stack, since)) >= 9, seconds=30)

    def put_aside():
        asked = {"QueueUrl": dead, "MessageSystemAttributeNames": ["ApproximateReceiveCount"], "WaitTimeSeconds": 1}
        return sqs.receive_message(**asked, VisibilityTimeout=0).get("Messages")

    [letter] = until("the poison one is in the dead-letter queue", put_aside, seconds=60)
    assert letter["Body"] == poison
    assert int(letter["Attributes"]["ApproximateReceiveCount"]) > MAX_RECEIVES
    expected = sorted(challenge for challenge, _ in open_ones)
    assert sorted(sent(recorder, stack, since)) == expected, "each once: its neighbours did not come back with it"
    assert left(stack) == ["0", "0"]
    assert operator.run("queue", "show") == {"waiting": 0, "deadLetters": 1, "examples": [poison]}
    redriven = operator.run("queue", "redrive")
    assert redriven["sentAgain"] == 1
    until("it is put aside again", put_aside, seconds=60)


def test_what_is_over_or_never_came_is_dropped_and_what_is_not_there_yet_waits(api, stack, recorder, application):
    user = unique()
    device = Device(api, user, push_token=uuid.uuid4().hex)
    before = recorder.mark()
    _, denied = asked(api, user)
    _, waiting = asked(api, user)
    until("both are sent", lambda: len(sent(recorder, stack, before)) >= 2, seconds=30)
    device.answer(denied, False).ok()
    since = recorder.mark()
    late = message(api.tenant, waiting, device.id, expires_in=-1)
    never = message(api.tenant, "A" * 22, device.id, age=60)
    not_yet = message(api.tenant, "B" * 22, device.id)
    put(stack, [message(api.tenant, denied, device.id), late, never, not_yet, message(api.tenant, waiting, device.id)])
    until("the open one is sent", lambda: sent(recorder, stack, since), seconds=30)

    def told_later():
        calls = recorder.calls(stack.function_name("deliver"), since)
        return [call for call in calls if call.action == "sqs:ChangeMessageVisibility"]

    until("one that is not there yet comes back soon", told_later, seconds=30)
    until("the queue is empty", lambda: left(stack) == ["0", "0"], seconds=60)
    assert sent(recorder, stack, since) == [waiting]


@pytest.mark.parametrize("queue", ["DeliveryQueueUrl", "DeliveryDeadLetterQueueUrl"])
def test_a_queue_takes_nothing_that_came_without_tls(stack, queue):
    with pytest.raises(ClientError) as refused:
        stack.client("sqs", tls=False).send_message(QueueUrl=stack.outputs[queue], MessageBody="{}")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
