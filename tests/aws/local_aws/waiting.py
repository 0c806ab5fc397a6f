"""Polling with a deadline."""

import time


def until(what: str, condition, seconds: float = 15, pause: float = 0.05):
    """Calls `condition` until it gives something true, which is returned; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        met = condition()
        if met:
            return met
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(pause)
