"""Runs the live client tests that the published wheel carries, unmodified."""

import os
import re
import subprocess
import sys
import unittest

import authsignal.client_tests


def test_the_wheels_own_client_tests(sdk, server):
    # Its tests expect this user to have enrolled before.
    sdk.enroll_verified_authenticator("user123", {"verificationMethod": "EMAIL_OTP", "email": "ada@example.com"})
    expected = unittest.defaultTestLoader.loadTestsFromModule(authsignal.client_tests).countTestCases()
    assert expected == 9

    run = subprocess.run(
        [sys.executable, "-m", "unittest", "--verbose", "authsignal.client_tests"],
        env=os.environ | {"AUTHSIGNAL_API_URL": server.api, "AUTHSIGNAL_API_SECRET": server.secret_key},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(rf"^Ran {expected} tests in .*\n\nOK$", run.stderr, re.MULTILINE), run.stderr
