"""What schemathesis cannot know from the description: who calls, and what is there.

A schema says which requests are well formed. Whether a URL is on the tenant's list, or a signature is by the device that was
asked, is a matter of state: a valid request is given what is there, so that it can be accepted. An invalid one is left alone.
"""

import datetime
import random
import time

import schemathesis
from hypothesis import strategies as st

import scene

management = scene.management
CALLERS = {
    "secretKey": lambda: scene.basic(scene.SECRET),
    "managementKey": lambda: scene.basic(scene.MANAGEMENT),
    "tenantId": lambda: scene.basic(scene.TENANT),
    "userToken": lambda: scene.bearer(scene.fresh_user()),
}
RETURN = "https://app.example.com/done"
management("PATCH", "/tenant", {"redirectUrls": [RETURN]})
CATALOGUE = [point["publicId"] for point in management("GET", "/message-overrides/catalog").json()["points"]]
CONDITIONS = [
    True,
    {"==": [{"var": "action.code"}, "signIn"]},
    {"and": [{"var": "ip.isAnonymous"}, {"!": {"var": "device.isRemembered"}}]},
]
DEVICES = [scene.Device().public_key for _ in range(8)]

schemathesis.openapi.format("p256-public-key", st.sampled_from(DEVICES))
schemathesis.openapi.format("otpauth-uri", st.just("otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
schemathesis.openapi.format("ip-address", st.one_of(st.ip_addresses().map(str), st.just("203.0.113.7:443")))
schemathesis.openapi.format("web-address", st.just("https://cdn.example.com/file.png"))


@schemathesis.auth(refresh_interval=None)
class Caller:
    """Each operation says by which key or token it is called."""

    def get(self, case, context):
        security = case.operation.definition.raw.get("security") or []
        names = [name for requirement in security for name in requirement]
        return CALLERS[random.choice(names)]() if names else None

    def set(self, case, authorization, context):
        if authorization:
            case.headers["Authorization"] = authorization


def in_days(days):
    time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def change(body, name, value):
    """Where the request has this property, gives it a value that is there."""
    if body.get(name) is not None:
        body[name] = value


def rule(body, free):
    """Names in conditions are checked; a default is one of the methods; no two rules have one priority."""
    if "conditions" in body:
        body["conditions"] = random.choice(CONDITIONS)
    if body.get("verificationMethods"):
        change(body, "defaultVerificationMethod", body["verificationMethods"][0])
    if body.get("priority") is not None and free:
        body["priority"] = free.pop()


def free_priorities(case):
    rules = management("GET", f"/action-configurations/{case.path_parameters['actionCode']}/rules")
    taken = {rule["priority"] for rule in rules.json()} if rules.ok else set()
    free = [priority for priority in range(100) if priority not in taken]
    random.shuffle(free)
    return free


def signed(body, device, challenge, message=None):
    body |= {"publicKey": device.public_key, "signature": device.sign(message or challenge)}
    if "challengeId" in body:
        body["challengeId"] = challenge


def track(case, body):
    change(body, "redirectUrl", RETURN)
    # It has to be the tenant's, which other requests change meanwhile.
    body.pop("customDomain", None)


def create_rule(case, body):
    free = free_priorities(case)
    if not free:
        # All hundred are taken: the action begins anew.
        management("DELETE", f"/action-configurations/{case.path_parameters['actionCode']}")
    rule(body, free)


def replay_rules(case, body):
    free = list(range(100))
    for one in body.get("rules") or []:
        rule(one, free)


def update_tenant(case, body):
    # Null clears the list, and track needs one.
    if "redirectUrls" in body:
        body["redirectUrls"] = [RETURN, "myapp:", "myapp://auth"]
    # Short-lived tokens would end before they are used.
    change(body, "tokenDurationInMinutes", 10)
    # What the scenes sign is the signature that every SDK makes.
    change(body, "pushSignatureV2", "optional")


def update_theme(case, body):
    for name, value in body.items():
        if isinstance(value, dict):
            update_theme(case, value)
        elif name in ("url", "fontUrl") or name.endswith("Url"):
            change(body, name, "https://cdn.example.com/file.png")
        elif name == "faces":
            for face in value or []:
                update_theme(case, face)
        elif name == "weight":
            change(body, name, random.choice([400, "100 900"]))


def update_method(case, body):
    if case.path_parameters["authenticatorId"] != "AUTHENTICATOR_APP":
        body.pop("issuerName", None)
    # A method that is switched off would refuse everything after it.
    change(body, "isActive", True)


def update_overrides(case, body):
    change(body, "messageOverrides", {"en": {random.choice(CATALOGUE): "Words"}})


def update_required(case, body):
    if body.get("default"):
        body["enabled"] = True


def enforce(case, body):
    # It cannot be taken back, and every later call would be one of a tenant that enforces.
    body["startsAt"] = in_days(300)


def update_list(case, body):
    found = management("GET", f"/value-lists/{case.path_parameters['alias']}")
    if found.ok:
        change(body, "valueListItems", {"string": ["a"], "number": [1]}[found.json()["itemType"]])


def remember(case, body):
    change(body, "rememberedUntil", in_days(30))


def enroll_device(case, body):
    # This tenant pushes to no browsers.
    if body.get("devicePlatform") == "web":
        body.pop("pushToken", None)
    body["publicKey"] = scene.Device().public_key


def ask_by_push(case, body):
    device = scene.Device().enroll("push")
    case.headers["Authorization"] = scene.bearer(device.user)
    body.pop("action", None)
    body.pop("userAuthenticatorId", None)


def begin(case, body):
    change(body, "action", scene.action())


def show_qr_code(case, body):
    # A token is of one action; a page without one names any.
    case.headers["Authorization"] = scene.basic(scene.TENANT)
    if random.random() < 0.5:
        body["action"] = scene.action()


def answer_push(case, body):
    device, challenge, number = scene.pushed()
    signed(body, device, challenge)
    if number:
        body["verificationCode"] = number


def verify_push(case, body):
    device, body["challengeId"], _ = scene.pushed()
    case.headers["Authorization"] = scene.bearer(device.user)


def claim(case, body):
    device, code = scene.shown()
    signed(body, device, code.get("challengeId", "none"))


def answer_qr_code(case, body):
    device, code = scene.claimed()
    signed(body, device, code.get("challengeId", "none"))


def verify_qr_code(case, body):
    _, code = scene.claimed()
    body |= {"challengeId": code.get("challengeId", "none"), "deviceCode": code.get("deviceCode", "none")}


def verify_in_app(case, body):
    case.headers["Authorization"] = scene.basic(scene.TENANT)
    signed(body, *scene.in_app())


def remove(kind):
    def of_a_device(case, body):
        device = scene.Device().enroll(kind)
        signed(body, device, "", f"{int(time.time()) // 600}.0")

    return of_a_device


def update_push(case, body):
    device = scene.Device().enroll("push")
    path = f"/v1/client/user-authenticators/push/sign?publicKey={scene.requests.utils.quote(device.public_key, safe='')}"
    message = scene.call("POST", path, scene.basic(scene.TENANT)).json()
    signed(body, device, message.get("challengeId", "none"), message.get("message", ""))


def of_a_key(case, query):
    kind = case.operation.path.split("/user-authenticators/")[1].split("/")[0]
    query["publicKey"] = scene.Device().enroll(kind).public_key


def visit(case, query):
    query["token"] = scene.token(scene.fresh_user())


def send_form(case, body):
    body["token"] = scene.token(scene.fresh_user())


def find_users(case, query):
    if not any(query.get(name) for name in ("username", "email", "phoneNumber")):
        query["email"] = "ada@example.com"


def actions_since(case, query):
    change(query, "fromDate", in_days(-10))


BODIES = {
    "answerChallenge": send_form,
    "answerPush": answer_push,
    "answerQrCode": answer_qr_code,
    "answerSetUp": send_form,
    "answerSettings": send_form,
    "beginChallenge": begin,
    "challengePush": ask_by_push,
    "challengeQrCode": show_qr_code,
    "claimQrCode": claim,
    "createRule": create_rule,
    "enforceTwoFactor": enforce,
    "enrollInApp": enroll_device,
    "enrollPush": enroll_device,
    "enrollQrCode": enroll_device,
    "redeemPairing": enroll_device,
    "removeInAppCredential": remove("in-app"),
    "removePushCredential": remove("push"),
    "removeQrCodeCredential": remove("qr-code"),
    "replayRules": replay_rules,
    "track": track,
    "updateAuthenticatorConfiguration": update_method,
    "updateDevice": remember,
    "updateMessageOverrides": update_overrides,
    "updatePushCredential": update_push,
    "updateRequiredAction": update_required,
    "updateRule": create_rule,
    "updateTenant": update_tenant,
    "updateTheme": update_theme,
    "updateValueList": update_list,
    "verifyInApp": verify_in_app,
    "verifyPush": verify_push,
    "verifyQrCode": verify_qr_code,
}
QUERIES = {
    "getInAppCredential": of_a_key,
    "getPendingPush": of_a_key,
    "getPushCredential": of_a_key,
    "getQrCodeCredential": of_a_key,
    "queryUserActions": actions_since,
    "queryUsers": find_users,
    "showChallenge": visit,
    "showSetUp": visit,
    "showSettings": visit,
    "signPendingPush": of_a_key,
    "signPushUpdate": of_a_key,
}


def existing_action(case):
    user = scene.fresh_user()
    scene.token(user)
    tracked = scene.call("POST", f"/v1/users/{user}/actions/signIn", scene.basic(scene.SECRET), {"idempotencyKey": "one"})
    return {"userId": user, "action": "signIn", "idempotencyKey": "one"} if tracked.ok else {}


def existing_authenticator(case):
    device = scene.Device().enroll("push")
    path = f"/v1/users/{device.user}/authenticators"
    found = scene.call("GET", path, scene.basic(scene.SECRET)).json()
    return {"userId": device.user, "userAuthenticatorId": found[0]["userAuthenticatorId"]} if found else {}


def existing_device(case):
    user = scene.fresh_user()
    with_rules = {"name": "any", "priority": 0, "type": "CHALLENGE", "conditions": True}
    scene.call("POST", f"/v1/users/{user}/actions/pay", scene.basic(scene.SECRET), {})
    management("POST", "/action-configurations/pay/rules", with_rules)
    body = {"deviceId": "laptop"}
    tracked = scene.call("POST", f"/v1/users/{user}/actions/pay", scene.basic(scene.SECRET), body)
    return {"userId": user, "deviceId": "laptop"} if tracked.ok else {}


def existing_challenge(case):
    device, challenge, number = scene.pushed()
    body = {"challengeId": challenge, "publicKey": device.public_key, "approved": True, "signature": device.sign(challenge)}
    body |= {"verificationCode": number} if number else {}
    scene.call("POST", "/v1/client/user-authenticators/push/challenge", scene.basic(scene.TENANT), body)
    return {"challengeId": challenge}


def existing_user(case):
    user = scene.fresh_user()
    scene.token(user)
    return {"userId": user}


def required_of_a_user(case):
    management("PATCH", "/required-actions/AUTHENTICATOR_APPLICATION_SETUP", {"enabled": True})
    return existing_user(case) | {"id": "AUTHENTICATOR_APPLICATION_SETUP"}


# What is refused with 403 or 404 where it names nothing, is left so now and then.
MAY_NAME_NOTHING = {
    "answerPush",
    "answerQrCode",
    "claimQrCode",
    "getInAppCredential",
    "getPendingPush",
    "getPushCredential",
    "getQrCodeCredential",
    "removeInAppCredential",
    "removePushCredential",
    "removeQrCodeCredential",
    "signPendingPush",
    "signPushUpdate",
    "updatePushCredential",
    "verifyInApp",
    "verifyPush",
    "verifyQrCode",
}
# What is there half of the time. The other half is a valid id of nothing.
PATHS = {
    "assignRequiredAction": required_of_a_user,
    "createRule": lambda case: {"actionCode": "signIn"},
    "deleteAuthenticator": existing_authenticator,
    "getAction": existing_action,
    "getNdef": lambda case: {"challengeId": scene.shown()[1].get("challengeId", "none")},
    "getReceipt": existing_challenge,
    "invalidateDevice": existing_device,
    "replayRules": lambda case: {"actionCode": "signIn"},
    "resetUser": existing_user,
    "showPairing": lambda case: {"tenant": scene.TENANT},
    "unassignRequiredAction": required_of_a_user,
    "unlockUser": existing_user,
    "updateAction": existing_action,
    "updateAuthenticator": existing_authenticator,
    "updateAuthenticatorConfiguration": lambda case: {"authenticatorId": random.choice(["AUTHENTICATOR_APP", "PUSH"])},
    "updateDevice": existing_device,
    "updateRequiredAction": lambda case: {"id": "AUTHENTICATOR_APPLICATION_SETUP"},
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw.get("operationId", "").removesuffix("WithUnderscore")
    if operation in PATHS and random.random() < 0.5:
        case.path_parameters |= PATHS[operation](case)
    if isinstance(case.body, dict):
        # A pattern cannot say that a point is on the curve.
        change(case.body, "publicKey", random.choice(DEVICES))
    change(case.query, "publicKey", random.choice(DEVICES))
    if operation in MAY_NAME_NOTHING and random.random() < 0.3:
        return
    if operation in BODIES:
        # Without a body it may still be another who calls.
        BODIES[operation](case, case.body if isinstance(case.body, dict) else {})
    if operation in QUERIES:
        QUERIES[operation](case, case.query)
