"""What a terminal writes to an NFC tag, read by a parser that shares nothing with the server."""

import base64
import uuid

import ndef
import requests


def test_a_tag_says_which_sign_in_to_claim(sdk, server):
    token = sdk.track(f"ada-{uuid.uuid4()}", "sign-in")["token"]
    client, headers = f"{server.api}/client/challenge/qr-code", {"Authorization": f"Bearer {token}"}
    shown = requests.post(client, json={"action": "sign-in"}, headers=headers, timeout=10).json()
    tag = requests.get(f"{client}/{shown['challengeId']}/ndef", headers=headers, timeout=10).json()

    message = base64.b64decode(tag["ndef"], validate=True)
    [record] = ndef.message_decoder(message)
    assert isinstance(record, ndef.UriRecord)
    assert record.iri == tag["uri"] == f"countersign://claim/{shown['challengeId']}"
    assert shown["deviceCode"].encode() not in message, "what the page polls with is on no tag"
