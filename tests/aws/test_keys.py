"""Keys that the operator rolls over or revokes are dead in warm functions within 60 s; nobody else notices."""

import time

import pytest

from local_aws.api import Api
from local_aws.waiting import until
from test_races import at_once

SECONDS = 60
WARM = 6


def dead_after(what: str, alive) -> float:
    """Asks warm processes until none of them is alive to the old key any more; they must stay so."""
    started = time.monotonic()
    until(f"{what} is dead", lambda: not any(at_once([alive] * WARM)), seconds=SECONDS, pause=2)
    took = time.monotonic() - started
    assert not any(at_once([alive] * WARM)), f"{what} came back to life"
    return took


def status_of(api: Api, keyed: str) -> bool:
    answer = api.server("GET", "/users/ada") if keyed == "server" else api.management("GET", "/tenant")
    if answer.status == 200:
        return True
    answer.refused(401, "unauthorized")
    return False


def revoked(operator, origin) -> float:
    """A secret key is rolled over and then revoked."""
    old = Api(origin, operator.create_tenant("Revocation"))
    assert all(at_once([lambda: status_of(old, "server")] * WARM)), "each process knows the key now"
    new_key = operator.run("key", "rotate", "secret", "--tenant", old.tenant.id)["secretKey"]
    new = Api(origin, type(old.tenant)(old.tenant.id, new_key, old.tenant.management_key))
    assert status_of(old, "server") and status_of(new, "server"), "both are live after a rotation"
    operator.run("key", "revoke", "secret", "--tenant", old.tenant.id)
    took = dead_after("the revoked secret key", lambda: status_of(old, "server"))
    assert status_of(new, "server")
    return took


def rolled_over_at_once(operator, origin) -> float:
    """A management key has leaked."""
    old = Api(origin, operator.create_tenant("Leak"))
    assert all(at_once([lambda: status_of(old, "management")] * WARM))
    new_key = operator.run("key", "rotate", "management", "--at-once", "--tenant", old.tenant.id)["managementKey"]
    took = dead_after("the leaked management key", lambda: status_of(old, "management"))
    assert status_of(Api(origin, type(old.tenant)(old.tenant.id, old.tenant.secret_key, new_key)), "management")
    return took


def token_key_rolled_over(operator, origin) -> float:
    """The token key is rolled over: tokens under way stay good. Then at once: they end, and new ones work."""
    api = Api(origin, operator.create_tenant("Token key"))
    phone = api.imported()
    verified = api.verify(api.track(phone.user)["token"], phone.previous_code()).ok()["accessToken"]

    def alive() -> bool:
        return api.validate(verified)["isValid"]

    assert all(at_once([alive] * WARM))
    operator.run("key", "rotate", "token", "--tenant", api.tenant.id)
    assert all(at_once([alive] * WARM)), "a token under way outlives a rotation"
    operator.run("key", "rotate", "token", "--at-once", "--tenant", api.tenant.id)
    took = dead_after("a token of the leaked token key", alive)
    again = api.verify(api.track(phone.user)["token"], phone.code()).ok()
    assert again["isVerified"] is True and api.validate(again["accessToken"])["isValid"] is True
    return took


@pytest.mark.parametrize("what", [revoked, rolled_over_at_once, token_key_rolled_over])
def test_dead_within_60_seconds(waited_for, what):
    assert waited_for[what.__name__].result() <= SECONDS
