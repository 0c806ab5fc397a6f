"""A phone with a key of its own, which openssl makes and signs with: it shares nothing with the functions."""

import base64
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from .api import Answer, Api, send

AUTHENTICATORS = "/v1/client/user-authenticators"


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True, timeout=20).stdout


class Device:
    def __init__(
        self,
        api: Api,
        user: str,
        kind: str = "push",
        push_token: str | None = None,
        platform: str = "android",
        takes_numbers: bool = False,
    ):
        self.api, self.user, self.kind = api, user, kind
        self._folder = tempfile.TemporaryDirectory()
        self._key = str(Path(self._folder.name) / "key.pem")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._key)
        self.public_key = base64.b64encode(openssl("ec", "-in", self._key, "-pubout", "-outform", "DER")).decode()
        token = api.track(user, "pair", scope="add:authenticators")["token"]
        body = {"publicKey": self.public_key, "deviceName": "A phone", "devicePlatform": platform}
        if push_token:
            body["pushToken"] = push_token
        if takes_numbers:
            body["takesNumbers"] = True
        enrolled = api.client(token, "POST", f"/user-authenticators/{kind}", body).ok()
        self.id = enrolled["userAuthenticatorId"]

    def sign(self, message: str) -> str:
        return base64.b64encode(openssl("dgst", "-sha256", "-sign", self._key, given=message.encode())).decode()

    @property
    def query(self) -> str:
        return "?publicKey=" + quote(base64.b64encode(self.public_key.encode()).decode(), safe="")

    def call(self, method: str, path: str, body=None, headers: dict | None = None) -> Answer:
        basic = base64.b64encode(f"{self.api.tenant.id}:".encode()).decode()
        return send(self.api.origin, method, path, body, {"Authorization": f"Basic {basic}"} | (headers or {}))

    def known(self) -> Answer:
        return self.call("GET", f"{AUTHENTICATORS}/{self.kind}{self.query}")

    def pending(self) -> dict:
        message = self.call("POST", f"{AUTHENTICATORS}/push/challenge/sign{self.query}").ok()["message"]
        signed = {"X-Authsignal-Signature": self.sign(message)}
        return self.call("GET", f"{AUTHENTICATORS}/push/challenge{self.query}", headers=signed).ok()

    def answer(self, challenge: str, approved: bool, **more) -> Answer:
        body = {"challengeId": challenge, "publicKey": self.public_key, "approved": approved}
        return self.call("POST", f"{AUTHENTICATORS}/{self.kind}/challenge", body | {"signature": self.sign(challenge)} | more)

    def claim(self, challenge: str) -> Answer:
        body = {"challengeId": challenge, "publicKey": self.public_key, "signature": self.sign(challenge)}
        return self.call("POST", f"{AUTHENTICATORS}/qr-code/challenge/claim", body)

    def change_token(self, push_token: str) -> dict:
        signing = self.call("POST", f"{AUTHENTICATORS}/push/sign{self.query}").ok()
        body = {"challengeId": signing["challengeId"], "publicKey": self.public_key, "pushToken": push_token}
        return self.call("PATCH", f"{AUTHENTICATORS}/push", body | {"signature": self.sign(signing["message"])}).ok()

    def remove(self) -> dict:
        window = f"{float(int(time.time()) // 600)}"
        body = {"publicKey": self.public_key, "signature": self.sign(window)}
        return self.call("POST", f"{AUTHENTICATORS}/{self.kind}/remove", body).ok()
