"""Promises that hold across processes: a code is accepted once, and ten guesses are looked at."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

PARALLEL = 36


def at_once(calls) -> list:
    """Makes all calls at the same moment, each from a thread of its own."""
    together = Barrier(len(calls))

    def run(call):
        together.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def verdict(answer) -> str:
    said = answer.ok()
    return "RIGHT" if said["isVerified"] else said["failureReason"]


def test_one_code_is_accepted_once_by_many_processes(api, stack, emulator, recorder):
    """Four users, nine actions each: the budget of ten refuses none of them, so what refuses is the replay."""
    phones = [api.imported() for _ in range(4)]
    tokens = [(phone, api.track(phone.user)["token"]) for phone in phones for _ in range(PARALLEL // len(phones))]
    codes = {phone: phone.code() for phone in phones}
    verify = stack.function_name("verify")

    since = recorder.mark()
    answers = at_once([lambda phone=phone, token=token: api.verify(token, codes[phone]) for phone, token in tokens])
    serving = emulator.serving(verify)
    asked = {call.connection for call in recorder.calls(verify, since)}

    assert len(serving) >= 8 and len(asked) >= 8, f"{len(serving)} processes, {len(asked)} of their connections"
    for phone in phones:
        said = Counter(verdict(answer) for (other, _), answer in zip(tokens, answers) if other is phone)
        assert said == {"RIGHT": 1, "CODE_INVALID_OR_EXPIRED": PARALLEL // len(phones) - 1}, said


def test_many_processes_look_at_ten_guesses(api, stack, emulator):
    phone = api.imported()
    tokens = [api.track(phone.user)["token"] for _ in range(PARALLEL)]
    guesses = phone.wrong_codes(PARALLEL)
    said = Counter(map(verdict, at_once([lambda t=t, g=g: api.verify(t, g) for t, g in zip(tokens, guesses)])))
    assert len(emulator.serving(stack.function_name("verify"))) >= 8
    assert set(said) == {"CODE_INVALID_OR_EXPIRED", "MAX_ATTEMPTS_EXCEEDED"}, said
    assert said["CODE_INVALID_OR_EXPIRED"] <= 10, said
    assert verdict(api.verify(tokens[0], phone.code())) == "MAX_ATTEMPTS_EXCEEDED", "the right code is refused too"


def test_one_action_is_tracked_once(api):
    """The same idempotency key from many processes is one action."""
    user, key = api.imported().user, "payment-1"
    tracked = at_once([lambda: api.track(user, "payment", idempotencyKey=key) for _ in range(12)])
    assert {one["idempotencyKey"] for one in tracked} == {key}
    assert len(api.server("GET", f"/users/{user}/actions").ok()) == 1
