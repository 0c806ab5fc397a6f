"""What a valid request needs to find: users, tokens, devices that can sign. Made by the API's own calls."""

import base64
import itertools
import os

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = os.environ["COUNTERSIGN_ORIGIN"]
TENANT = os.environ["COUNTERSIGN_TENANT_ID"]
SECRET = os.environ["COUNTERSIGN_SECRET_KEY"]
MANAGEMENT = os.environ["COUNTERSIGN_MANAGEMENT_KEY"]
SCOPE = "read:authenticators add:authenticators update:authenticators remove:authenticators"

_numbers = itertools.count()
_session = requests.Session()


def basic(name):
    return "Basic " + base64.b64encode(f"{name}:".encode()).decode()


def call(method, path, authorization, body=None):
    headers = {"Authorization": authorization}
    return _session.request(method, ORIGIN + path, headers=headers, json=body, timeout=10)


def management(method, path, body=None):
    return call(method, "/v1/management" + path, basic(MANAGEMENT), body)


def fresh_user():
    return f"user-{next(_numbers)}"


def action():
    """Of a kind that the run has not changed yet: sooner or later it blocks every action that it learns of."""
    return f"scene-{next(_numbers) // 40}"


def token(user):
    tracked = call("POST", f"/v1/users/{user}/actions/{action()}", basic(SECRET), {"scope": SCOPE})
    return tracked.json().get("token", "")


def bearer(user):
    return "Bearer " + token(user)


class Device:
    """A key of P-256, and the user who has enrolled it."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user = fresh_user()

    @property
    def public_key(self):
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(spki).decode()

    def sign(self, message):
        return base64.b64encode(self.key.sign(message.encode(), ec.ECDSA(hashes.SHA256()))).decode()

    def enroll(self, kind):
        body = {"publicKey": self.public_key, "deviceName": "Phone", "devicePlatform": "ios"}
        call("POST", f"/v1/client/user-authenticators/{kind}", bearer(self.user), body)
        return self


def pushed():
    """A device, the id of what it is asked, and the number that it has to carry over where the tenant asks for one."""
    device = Device().enroll("push")
    asked = call("POST", "/v1/client/challenge/push", bearer(device.user), {}).json()
    return device, asked.get("challengeId", "none"), asked.get("verificationCode")


def shown():
    """A device that knows QR codes, and one that is shown."""
    device = Device().enroll("qr-code")
    code = call("POST", "/v1/client/challenge/qr-code", basic(TENANT), {"action": action()}).json()
    return device, code


def claimed():
    device, code = shown()
    challenge = code.get("challengeId", "none")
    body = {"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(challenge)}
    call("POST", "/v1/client/user-authenticators/qr-code/challenge/claim", basic(TENANT), body)
    return device, code


def in_app():
    device = Device().enroll("in-app")
    begun = call("POST", "/v1/client/challenge", basic(TENANT), {"action": action()}).json()
    return device, begun.get("challengeId", "none")
