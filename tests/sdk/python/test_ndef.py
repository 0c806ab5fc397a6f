"""What a terminal writes to an NFC tag, read by a parser that shares nothing with the server."""

import base64
import uuid

import ndef
import requests


def test_a_tag_says_which_sign_in_to_claim(sdk, server):
    user = f"ada-{uuid.uuid4()}"
    # A user with nothing enrolled is not asked: there would be no code to show.
    sdk.enroll_verified_authenticator(user, {"verificationMethod": "EMAIL_OTP", "email": "ada@example.com"})
    token = sdk.track(user, "sign-in")["token"]
    client, headers = f"{server.api}/client/challenge/qr-code", {"Authorization": f"Bearer {token}"}
    shown = requests.post(client, json={"action": "sign-in"}, headers=headers, timeout=10).json()
    tag = requests.get(f"{client}/{shown['challengeId']}/ndef", headers=headers, timeout=10).json()

    message = base64.b64decode(tag["ndef"], validate=True)
    [record] = ndef.message_decoder(message)
    assert isinstance(record, ndef.UriRecord)
    assert record.iri == tag["uri"] == f"countersign://claim/{shown['challengeId']}"
    assert shown["deviceCode"].encode() not in message, "what the page polls with is on no tag"
