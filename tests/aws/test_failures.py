"""A KMS or table that fails is 503 with Retry-After: no wrong code, no allowed action, and no guess is spent."""

import pytest

from local_aws.api import Api, unique
from test_races import at_once

AWS_ERRORS = [(500, "KMSInternalException"), (400, "AccessDeniedException"), (400, "KMSInvalidStateException")]


@pytest.fixture
def fresh(operator, origin) -> Api:
    """A tenant that no warm function has the data key of: they keep one for minutes."""
    return Api(origin, operator.create_tenant(unique("tenant")))


def decrypt_by(function: str):
    return lambda caller, action, body: caller == function and action == "kms:Decrypt"


def unavailable(answer):
    error = answer.refused(503, "service_unavailable")
    assert int(answer.headers["retry-after"]) >= 1, answer.headers
    assert "isVerified" not in error and "failureReason" not in error, error


@pytest.mark.parametrize(("status", "code"), AWS_ERRORS)
def test_verify_without_kms_decides_nothing_and_spends_no_guess(fresh, stack, recorder, status, code):
    phone = fresh.imported()
    token = fresh.track(phone.user)["token"]
    verify = stack.function_name("verify")
    since = recorder.mark()
    with recorder.refuse(decrypt_by(verify), status, code):
        # More than the budget of ten, were they counted; wrong ones and right ones must not be told apart.
        guesses = [*phone.wrong_codes(6), *[phone.code()] * 6]
        for answer in at_once([lambda guess=guess: fresh.verify(token, guess) for guess in guesses]):
            unavailable(answer)
    assert any(call.action == "kms:Decrypt" and call.status == status for call in recorder.calls(verify, since))
    assert fresh.verify(token, phone.wrong_codes(1)[0]).ok()["failureReason"] == "CODE_INVALID_OR_EXPIRED"
    assert fresh.verify(token, phone.code()).ok()["isVerified"] is True


def test_enrolment_without_kms_enrols_nobody(fresh, stack, recorder):
    user = unique()
    token = fresh.track(user)["token"]
    with recorder.refuse(decrypt_by(stack.function_name("enroll")), 400, "AccessDeniedException"):
        unavailable(fresh.client(token, "POST", "/user-authenticators/totp"))
    assert fresh.server("GET", f"/users/{user}").ok()["isEnrolled"] is False
    assert fresh.client(token, "POST", "/user-authenticators/totp").ok()["secret"]


def test_nothing_is_allowed_without_the_table(api, stack, recorder):
    phone = api.imported()
    token = api.track(phone.user)["token"]
    table = lambda caller, action, body: caller and action.startswith("dynamodb:")  # noqa: E731
    with recorder.refuse(table, 500, "InternalServerError"):
        calls = [
            lambda: api.server("POST", f"/users/{phone.user}/actions/sign-in", {}),
            lambda: api.verify(token, phone.code()),
            lambda: api.server("POST", "/validate", {"token": token}),
        ]
        for answer in at_once(calls):
            unavailable(answer)
    with recorder.refuse(table, 400, "ProvisionedThroughputExceededException"):
        unavailable(api.server("GET", f"/users/{phone.user}"))
    assert api.verify(token, phone.code()).ok()["isVerified"] is True, "the code was not spent"
