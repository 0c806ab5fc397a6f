"""The server API and a whole sign-in through the published Python SDK, with codes from pyotp."""

import threading
import time
import uuid

import pyotp
import pytest
import requests
from authsignal.client import ApiException

PERIOD = 30
ACTION = "sign-in"


@pytest.fixture
def user_id() -> str:
    return f"ada-{uuid.uuid4()}"


class Browser:
    """The client API as a page calls it, with a user token."""

    def __init__(self, server, token: str):
        self.url = f"{server.api}/client"
        self.headers = {"Authorization": f"Bearer {token}"}

    def enroll(self) -> dict:
        return requests.post(f"{self.url}/user-authenticators/totp", headers=self.headers, timeout=10).json()

    def verify(self, code: str) -> dict:
        body = {"verificationCode": code}
        return requests.post(f"{self.url}/verify/totp", json=body, headers=self.headers, timeout=10).json()


def import_app(sdk, user_id: str) -> pyotp.TOTP:
    """Imports an authenticator app that the user already has, as a migration does."""
    app = pyotp.TOTP(pyotp.random_base32(), name=user_id, issuer="Bank")
    enrolled = sdk.enroll_verified_authenticator(
        user_id, {"verificationMethod": "AUTHENTICATOR_APP", "otpUri": app.provisioning_uri()}
    )
    assert enrolled["authenticator"]["verification_method"] == "AUTHENTICATOR_APP"
    assert isinstance(enrolled["recovery_codes"], list)
    return app


def previous_code(app: pyotp.TOTP) -> str:
    """The code of the step before: the server accepts it too, and so the current one is left for the next challenge."""
    while PERIOD - time.time() % PERIOD < 6:  # at most six seconds: enough of the step must be left to send it
        threading.Event().wait(0.1)
    return app.at(time.time() - PERIOD)


def test_sign_up_then_sign_in(sdk, server, user_id):
    sign_up = sdk.track(user_id, ACTION, {"redirectUrl": "http://localhost:3000/done", "custom": {"amount": 900}})
    assert sign_up["state"] == "ALLOW"
    assert sign_up["is_enrolled"] is False
    assert sign_up["allowed_verification_methods"]
    assert "?" in sign_up["url"]

    enrolment = Browser(server, sign_up["token"]).enroll()
    app = pyotp.parse_uri(enrolment["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert app.secret == enrolment["secret"]
    enrolled = Browser(server, sign_up["token"]).verify(previous_code(app))
    assert enrolled["isVerified"] is True
    first = sdk.validate_challenge({"token": enrolled["accessToken"], "userId": user_id, "action": ACTION})
    assert first["is_valid"] is True
    assert first["state"] == "CHALLENGE_SUCCEEDED"

    sign_in = sdk.track(user_id, ACTION)
    assert sign_in["state"] == "CHALLENGE_REQUIRED"
    assert sign_in["is_enrolled"] is True
    assert sign_in["enrolled_verification_methods"] == ["AUTHENTICATOR_APP"]
    before = sdk.validate_challenge({"token": sign_in["token"]})
    assert before["is_valid"] is False
    assert before["state"] == "CHALLENGE_REQUIRED"
    verified = Browser(server, sign_in["token"]).verify(app.now())
    after = sdk.validate_challenge({"token": verified["accessToken"]})
    assert after["is_valid"] is True
    assert after["idempotency_key"] == sign_in["idempotency_key"]


def test_imported_app_passes_a_challenge(sdk, server, user_id):
    app = import_app(sdk, user_id)
    tracked = sdk.track(user_id, ACTION)
    code = app.now()
    verified = Browser(server, tracked["token"]).verify(code)
    assert verified["isVerified"] is True
    validated = sdk.validate_challenge({"token": verified["accessToken"]})
    assert validated["is_valid"] is True
    assert validated["state"] == "CHALLENGE_SUCCEEDED"
    assert validated["user_id"] == user_id
    assert validated["action"] == ACTION
    assert validated["idempotency_key"] == tracked["idempotency_key"]
    assert validated["verification_method"] == "AUTHENTICATOR_APP"

    replayed = Browser(server, sdk.track(user_id, ACTION)["token"]).verify(code)
    assert replayed["isVerified"] is False
    assert replayed["failureReason"] == "CODE_INVALID_OR_EXPIRED"


def test_wrong_code_and_rubbish_tokens(sdk, server, user_id):
    app = import_app(sdk, user_id)
    token = sdk.track(user_id, ACTION)["token"]
    near = {app.at(time.time() + offset * PERIOD) for offset in (-2, -1, 0, 1, 2)}
    wrong = next(guess for guess in ("000000", "111111", "222222", "333333", "444444", "555555") if guess not in near)
    refused = Browser(server, token).verify(wrong)
    assert refused["isVerified"] is False
    assert refused["failureReason"] == "CODE_INVALID_OR_EXPIRED"
    assert sdk.validate_challenge({"token": "rubbish"})["is_valid"] is False
    assert sdk.validate_challenge({"token": token, "userId": "eve"})["is_valid"] is False
    assert sdk.validate_challenge({"token": token, "action": "payment"})["is_valid"] is False


def test_users(sdk, user_id):
    assert sdk.get_user(user_id)["is_enrolled"] is False
    attributes = {"email": "ada@example.com", "emailVerified": False, "displayName": "Ada", "custom": {"tier": "gold"}}
    updated = sdk.update_user(user_id, attributes)
    stored = sdk.get_user(user_id)
    for answer in (updated, stored):
        assert answer["email"] == "ada@example.com"
        assert answer["email_verified"] is False
        assert answer["display_name"] == "Ada"
        assert answer["custom"] == {"tier": "gold"}
    assert updated["user_id"] == user_id

    sdk.delete_user(user_id)
    assert sdk.get_user(user_id).get("email") is None


def test_authenticators(sdk, user_id):
    import_app(sdk, user_id)
    enrolled = sdk.enroll_verified_authenticator(user_id, {"verificationMethod": "SMS", "phoneNumber": "+64211234567"})
    assert enrolled["authenticator"]["phone_number"] == "+64211234567"
    listed = sdk.get_authenticators(user_id)
    assert {one["verification_method"] for one in listed} == {"AUTHENTICATOR_APP", "SMS"}

    for one in listed:
        sdk.delete_authenticator(user_id, one["user_authenticator_id"])
    assert sdk.get_authenticators(user_id) == []
    assert sdk.get_user(user_id)["is_enrolled"] is False


def test_actions(sdk, user_id):
    import_app(sdk, user_id)
    tracked = sdk.track(user_id, ACTION, {"idempotencyKey": "key-1", "custom": {"amount": 900}})
    assert tracked["idempotency_key"] == "key-1"
    found = sdk.get_action(user_id, ACTION, "key-1")
    assert found["state"] == "CHALLENGE_REQUIRED"
    assert found["output"] is not None
    assert found["rules"] == []

    assert sdk.update_action(user_id, ACTION, "key-1", {"state": "BLOCK"})["state"] == "BLOCK"
    assert sdk.get_action(user_id, ACTION, "key-1")["state"] == "BLOCK"
    with pytest.raises(ApiException) as conflict:
        sdk.track(user_id, ACTION, {"idempotencyKey": "key-1", "custom": {"amount": 9}})
    assert conflict.value.status_code == 409
    assert conflict.value.error_code == "conflict"


def test_an_id_is_decoded_once(sdk):
    """The SDK percent-encodes ids: what stands for `%` must not be decoded a second time."""
    user_id = f"auth0|{uuid.uuid4()}@example.com:1+2 %41"
    assert sdk.update_user(user_id, {"displayName": "Ada"})["user_id"] == user_id
    assert sdk.get_user(user_id)["display_name"] == "Ada"
    assert sdk.track(user_id, ACTION)["state"] == "ALLOW"
