"""Polling with a deadline.

What is waited for here happens in other processes: functions in containers, queues and a recorder behind the emulator's HTTP
API, a process that comes up. None of them tells this one when it is done, so they are asked again, and the deadline fails the
test with what it waited for. The suites in Rust have the clock and the store in their own process, and wait for nothing.
"""

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
