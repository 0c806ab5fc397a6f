"""Every route through the emulated API Gateway answers; odd paths, methods and origins do as the contract says."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from local_aws.api import Api, Phone, send, unique
from local_aws.device import Device

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# What a backend puts into the path after encodeURIComponent; the gateway decodes it before a function sees it.
HARD_IDS = [
    "ada@example.com",
    "Ada Lovelace",
    "auth0|5f7c+1",
    "a#b",
    "ünïcödé-ß",
    "100%",
    "a%2Fb",
    "a&b=c;d",
    "..",
    "%41",
    "a~b!c'(d)*",
]
# A slash or a question mark in an id: an HTTP API splits or cuts the path there before it chooses a route.
IDS_THAT_A_GATEWAY_SPLITS = ["a/b", "a?b"]


def test_every_route_of_the_server_api(api):
    user, action, key = unique("ada"), "sign-in", unique("key")
    email = f"{user}@example.com"
    assert api.server("POST", f"/users/{user}", {"email": email}).ok()["email"] == email
    assert api.server("PATCH", f"/users/{user}", {"displayName": "Ada"}).ok()["displayName"] == "Ada"
    assert api.server("GET", f"/users/{user}").ok()["isEnrolled"] is False
    found = api.server("GET", f"/users?{urlencode({'email': email})}").ok()
    assert [one["userId"] for one in found["users"]] == [user]

    api.imported(user)
    sms = {"verificationMethod": "SMS", "phoneNumber": "+64211234567"}
    other = api.server("POST", f"/users/{user}/authenticators", sms).ok()["authenticator"]
    assert len(api.server("GET", f"/users/{user}/authenticators").ok()) == 2
    api.server("DELETE", f"/users/{user}/authenticators/{other['userAuthenticatorId']}").ok()
    api.server("POST", f"/users/{user}/unlock").ok()
    assert api.server("GET", f"/users/{user}/devices").ok() == []
    gone = unique("eva")
    api.imported(gone)
    api.server("POST", f"/users/{gone}/reset").ok()
    assert api.server("GET", f"/users/{gone}/authenticators").ok() == []

    tracked = api.track(user, action, idempotencyKey=key)
    assert tracked["state"] == "CHALLENGE_REQUIRED"
    assert api.validate(tracked["token"])["isValid"] is False
    assert [one["idempotencyKey"] for one in api.server("GET", f"/users/{user}/actions").ok()] == [key]
    assert api.server("GET", f"/users/{user}/actions/{action}/{key}").ok()["state"] == "CHALLENGE_REQUIRED"
    assert api.server("PATCH", f"/users/{user}/actions/{action}/{key}", {"state": "BLOCK"}).ok()["state"] == "BLOCK"
    api.server("DELETE", f"/users/{user}").ok()
    assert api.server("GET", f"/users/{user}").ok()["isEnrolled"] is False


def test_every_route_of_the_client_api(api):
    user = unique("ada")
    phone = api.enrolled(user)
    tracked = api.track(user, scope="read:authenticators")
    [app] = api.client(tracked["token"], "GET", "/user-authenticators").ok()
    assert app["verificationMethod"] == "AUTHENTICATOR_APP"
    assert api.verify(tracked["token"], phone.wrong_codes(1)[0]).ok()["failureReason"] == "CODE_INVALID_OR_EXPIRED"
    verified = api.verify(tracked["token"], phone.code()).ok()
    assert verified["isVerified"] is True
    assert api.validate(verified["accessToken"])["state"] == "CHALLENGE_SUCCEEDED"


def test_every_route_of_the_management_api(api):
    code = unique("pay")
    path = f"/action-configurations/{code}"
    api.management("POST", "/action-configurations", {"actionCode": code, "defaultUserActionResult": "REVIEW"}).ok()
    assert code in [one["actionCode"] for one in api.management("GET", "/action-configurations").ok()]
    assert api.management("GET", path).ok()["defaultUserActionResult"] == "REVIEW"
    assert (
        api.management("PATCH", path, {"defaultUserActionResult": "BLOCK"}).ok()["defaultUserActionResult"] == "BLOCK"
    )
    alias = api.management("POST", "/value-lists", {"name": unique("vips"), "itemType": "string"}).ok()["alias"]
    assert api.management("PATCH", f"/value-lists/{alias}", {"valueListItems": ["ada"]}).ok()["valueListItems"] == ["ada"]
    assert alias in [one["alias"] for one in api.management("GET", "/value-lists").ok()]
    rule = {
        "name": "VIPs",
        "priority": 1,
        "type": "ALLOW",
        "conditions": {"in_list": [{"var": "user.id"}, alias]},
    }
    made = api.management("POST", f"{path}/rules", rule).ok()
    assert made["conditions"] == rule["conditions"]
    assert "priority: 1" in api.management("POST", f"{path}/rules", rule).json["errorDescription"]
    rules = path.replace("action-", "action_") + "/rules"
    assert api.management("PATCH", f"{rules}/{made['ruleId']}", {"priority": 2}).ok()["priority"] == 2
    assert [one["ruleId"] for one in api.management("GET", rules).ok()] == [made["ruleId"]]
    assert api.management("DELETE", f"{path}/rules/{made['ruleId']}").ok()["success"] is True
    assert api.management("DELETE", f"/value-lists/{alias}").ok()["success"] is True
    configured = api.management("GET", "/authenticator-configurations").ok()
    assert configured[0]["authenticatorId"] == "AUTHENTICATOR_APP"
    assert api.management("PATCH", "/authenticator-configurations/PUSH", {"isActive": True}).ok()["isActive"] is True
    assert api.management("POST", f"{path}/rules/replay", {"rules": [], "maxUsers": 1}).ok()["users"] <= 1
    assert api.management("DELETE", path).ok()["success"] is True
    # Not enforced here, where all tests share a tenant: it could not be taken back.
    enforcement = api.management("GET", "/two-factor-enforcement").ok()
    assert enforcement["status"] == "2FA is currently set to: OFF" and enforcement["preview"]["users"] > 0, enforcement
    api.management("POST", "/two-factor-enforcement", {"confirmation": "yes"}).refused(400, "invalid_request")
    [required] = api.management("GET", "/required-actions").ok()
    user, path = unique("ada"), f"/required-actions/{required['id']}"
    assert api.management("PATCH", path, {"enabled": True}).ok()["enabled"] is True
    api.track(user)
    assert api.server("PUT", f"/users/{user}{path}").ok()["requiredActions"] == [required["id"]]
    assert api.server("DELETE", f"/users/{user}{path}").ok()["requiredActions"] == []
    assert api.management("PATCH", path, {"enabled": False}).ok()["enabled"] is False
    name = api.management("GET", "/tenant").ok()["name"]
    assert api.management("PATCH", "/tenant", {"name": name}).ok()["name"] == name


class Page(HTMLParser):
    """The hidden fields of a page's form, and its text."""

    def __init__(self, html: str):
        super().__init__()
        self.fields, self.text = {}, ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]

    def handle_data(self, data):
        self.text += data


def test_the_hosted_page_takes_a_code_and_returns_with_a_token(api, origin):
    phone = api.imported()
    tracked = api.track(phone.user, redirectUrl="https://app.example.com/done?cart=1")
    assert tracked["url"].startswith(f"{origin}/challenge?token="), tracked["url"]
    address = tracked["url"].removeprefix(origin)
    page = send(origin, "GET", address)
    assert page.status == 200 and page.headers["content-type"].startswith("text/html"), page.seen
    fields = Page(page.body.decode()).fields
    wrong = send(origin, "POST", "/challenge", urlencode(fields | {"code": phone.wrong_codes(1)[0]}), FORM)
    assert wrong.status == 200 and "not right" in Page(wrong.body.decode()).text, wrong.seen
    fields = Page(wrong.body.decode()).fields
    right = send(origin, "POST", "/challenge", urlencode(fields | {"code": phone.code()}), FORM)
    assert right.status in (302, 303), right.seen
    back = urlsplit(right.headers["location"])
    assert (back.scheme, back.netloc, back.path) == ("https", "app.example.com", "/done")
    query = parse_qs(back.query)
    assert query["cart"] == ["1"]
    assert api.validate(query["token"][0])["state"] == "CHALLENGE_SUCCEEDED"


def test_the_hosted_page_asks_a_phone_with_a_number(operator, origin):
    # A tenant of its own: what deliver learns of it now, it would believe for half a minute.
    api, user = Api(origin, operator.create_tenant("phones")), unique()
    device = Device(api, user, push_token=unique(), takes_numbers=True)
    tracked = api.track(user)
    page = send(origin, "GET", tracked["url"].removeprefix(origin))
    fields = Page(page.body.decode()).fields
    assert fields["way"] == "phone", page.seen
    asked = send(origin, "POST", "/challenge", urlencode(fields), FORM)
    assert asked.status in (302, 303), asked.seen
    address = asked.headers["location"]
    waiting = Page(send(origin, "GET", address).body.decode()).text
    number = "".join(re.search(r"\b(\d{3}) (\d{3})\b", waiting).groups())
    challenge = device.pending()["challengeId"]
    assert device.answer(challenge, True, verificationCode=number).ok() == {"isVerified": True}
    done = send(origin, "GET", address)
    assert done.status == 200 and "You are verified" in Page(done.body.decode()).text, done.seen


def test_the_hosted_page_sets_an_app_up(api, origin):
    tracked = api.track(unique("new"))
    page = send(origin, "GET", tracked["url"].removeprefix(origin))
    assert page.status == 200, page.seen
    html = page.body.decode()
    assert "<svg" in html, "the QR code"
    secret = re.search(r"\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}\b", Page(html).text)[0].replace(" ", "")
    code = Phone("new", secret).code()
    done = send(origin, "POST", "/set-up", urlencode(Page(html).fields | {"code": code}), FORM)
    assert done.status == 200 and "Keep your recovery codes" in Page(done.body.decode()).text, done.seen
    kept = send(origin, "POST", "/set-up", urlencode(Page(done.body.decode()).fields | {"kept": "yes"}), FORM)
    assert kept.status == 200 and "You are verified" in Page(kept.body.decode()).text, kept.seen
    assert api.validate(tracked["token"])["state"] == "CHALLENGE_SUCCEEDED"


def test_users_see_and_change_what_they_have(api, origin):
    phone = api.imported()
    tracked = api.track(phone.user, redirectToSettings=True)
    fields = Page(send(origin, "GET", tracked["url"].removeprefix(origin)).body.decode()).fields
    passed = send(origin, "POST", "/challenge", urlencode(fields | {"code": phone.code()}), FORM)
    assert passed.status == 303 and passed.headers["location"].startswith("/settings?"), passed.seen
    address = passed.headers["location"]

    def change(**asked):
        page = Page(send(origin, "GET", address).body.decode())
        sent = {name: page.fields[name] for name in ("token", "seal")} | asked
        return send(origin, "POST", "/settings", urlencode(sent), FORM)

    owned = api.server("GET", f"/users/{phone.user}/authenticators").ok()[0]["userAuthenticatorId"]
    assert change(act="rename", id=owned, name="My phone").status == 303
    assert "My phone" in Page(send(origin, "GET", address).body.decode()).text
    codes = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}", change(act="codes").body.decode())
    assert len(codes) == 10
    other = api.track(phone.user)
    recovery = send(origin, "GET", other["url"].removeprefix(origin) + "&way=recovery")
    fields = Page(recovery.body.decode()).fields
    done = send(origin, "POST", "/challenge", urlencode(fields | {"recovery": codes[0]}), FORM)
    # A recovery code is used where the phone is lost: what to do about that comes first.
    assert done.status == 303 and done.headers["location"].startswith("/settings?"), done.seen
    lost = Page(send(origin, "GET", done.headers["location"]).body.decode()).text
    assert "Lost your phone?" in lost, lost
    assert api.validate(other["token"])["state"] == "CHALLENGE_SUCCEEDED"
    assert change(act="remove", id=owned).status == 303
    assert api.server("GET", f"/users/{phone.user}/authenticators").ok() == []


def test_a_tracked_address_takes_the_place_of_the_one_before(api):
    user, before, now = unique("ada"), f"{unique()}@example.com", f"{unique()}@example.com"
    api.track(user, email=before)
    api.track(user, email=now)
    found = {email: api.server("GET", f"/users?{urlencode({'email': email})}").ok()["users"] for email in (before, now)}
    assert [one["userId"] for one in found[now]] == [user] and found[before] == []


def test_description_and_health(origin):
    assert send(origin, "GET", "/openapi.json").ok()["openapi"].startswith("3.1")
    assert send(origin, "GET", "/healthz").ok() == {"status": "ok"}


@pytest.mark.parametrize("user", HARD_IDS)
def test_an_id_survives_the_path(api, user):
    user = f"{unique()}:{user}" if user != ".." else f"..{unique()}"
    path = f"/users/{quote(user, safe='')}"
    assert api.server("PATCH", path, {"displayName": user}).ok()["userId"] == user
    assert api.server("GET", path).ok()["displayName"] == user
    tracked = api.server("POST", f"{path}/actions/sign-in", {}).ok()
    assert api.validate(tracked["token"])["userId"] == user
    [listed] = api.server("GET", f"{path}/actions").ok()
    assert api.server("GET", f"{path}/actions/sign-in/{listed['idempotencyKey']}").ok()["state"] == "ALLOW"


@pytest.mark.parametrize("user", IDS_THAT_A_GATEWAY_SPLITS)
def test_an_id_that_a_gateway_splits_is_never_taken_for_another(api, user):
    user = f"{unique()}:{user}"
    before, path = user[: user.index("/") if "/" in user else user.index("?")], f"/users/{quote(user, safe='')}"
    answer = api.server("PATCH", path, {"displayName": "whose?"})
    if answer.status == 200:
        assert answer.json["userId"] == user, answer.seen
    else:
        answer.refused(answer.status)
        assert 400 <= answer.status < 500, answer.seen
    assert api.server("GET", f"/users/{before}").ok().get("displayName") is None, "it went to another user"


def test_an_unknown_path_and_a_wrong_method(api, origin):
    api.server("GET", "/no-such-thing").refused(404, "not_found")
    # A path goes to its function with every method, so that the function says which ones it has.
    for method, path in (("PUT", "/users/ada"), ("DELETE", "/validate"), ("PATCH", "/users/ada/unlock")):
        api.server(method, path).refused(405, "method_not_allowed")
    # An HTTP API has no 405 of its own: what two functions share goes to `$default` with any other method.
    api.server("PUT", "/users/ada/authenticators").refused(404, "not_found")
    send(origin, "GET", "/v1/users/ada").refused(401, "unauthorized")
    send(origin, "GET", "/v1/no-such-thing").refused(401, "unauthorized")
    send(origin, "POST", "/v1/client/verify/totp", {"verificationCode": "1"}).refused(401)


@pytest.mark.parametrize(
    "path", ["/v1/client/verify/totp", "/v1/client/user-authenticators/totp", "/v1/client/user-authenticators"]
)
def test_a_page_of_another_origin_may_send_its_token(origin, path):
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = send(origin, "OPTIONS", path, headers=asked)
    assert preflight.status in (200, 204), preflight.seen
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://shop.example")
    allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert {"authorization", "content-type"} <= set(allowed)
    refused = send(origin, "POST", path, headers={"Origin": "https://shop.example"})
    assert refused.headers["access-control-allow-origin"] in ("*", "https://shop.example"), refused.seen
