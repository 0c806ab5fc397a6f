"""The API as its callers reach it: plain HTTP, with paths sent as they are written, and codes of oathtool."""

import base64
import http.client
import json
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .operator import Tenant
from .waiting import until

PERIOD = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    request: str

    @property
    def json(self):
        return json.loads(self.body)

    def ok(self):
        """The JSON of a success; anything else fails with what was seen."""
        assert self.status == 200, self.seen
        return self.json

    def refused(self, status: int, code: str | None = None) -> dict:
        """The contract's error body under one status."""
        assert self.status == status, self.seen
        assert self.headers["content-type"] == "application/json", self.seen
        error = self.json
        assert error["error"] == error["errorCode"] and isinstance(error["errorDescription"], str), self.seen
        assert code in (None, error["errorCode"]), self.seen
        return error

    @property
    def seen(self) -> str:
        return f"{self.request} answered {self.status} {self.body[:2000]!r}"


def send(origin: str, method: str, path: str, body=None, headers: dict | None = None) -> Answer:
    """One request on a connection of its own; `path` goes out byte for byte. A dict is sent as JSON."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    address = urlsplit(origin)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, response.read(), f"{method} {path}")
    finally:
        connection.close()


def unique(prefix: str = "user") -> str:
    return f"{prefix}-{uuid.uuid4()}"


@dataclass(frozen=True)
class Api:
    """The three APIs with the keys of one tenant."""

    origin: str
    tenant: Tenant

    def _keyed(self, key: str, method: str, path: str, body=None) -> Answer:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        return send(self.origin, method, f"/v1{path}", body, {"Authorization": f"Basic {basic}"})

    def server(self, method: str, path: str, body=None) -> Answer:
        return self._keyed(self.tenant.secret_key, method, path, body)

    def management(self, method: str, path: str, body=None) -> Answer:
        return self._keyed(self.tenant.management_key, method, f"/management{path}", body)

    def client(self, token: str, method: str, path: str, body=None) -> Answer:
        return send(self.origin, method, f"/v1/client{path}", body, {"Authorization": f"Bearer {token}"})

    def track(self, user: str, action: str = "sign-in", **attributes) -> dict:
        return self.server("POST", f"/users/{user}/actions/{action}", attributes).ok()

    def verify(self, token: str, code: str) -> Answer:
        return self.client(token, "POST", "/verify/totp", {"verificationCode": code})

    def validate(self, token: str) -> dict:
        return self.server("POST", "/validate", {"token": token}).ok()

    def enrolled(self, user: str | None = None) -> "Phone":
        """A user whose app was enrolled by the client API; the code of the step before is spent on that."""
        user = user or unique()
        token = self.track(user)["token"]
        phone = Phone(user, self.client(token, "POST", "/user-authenticators/totp").ok()["secret"])
        assert self.verify(token, phone.previous_code()).ok()["isVerified"] is True
        return phone

    def imported(self, user: str | None = None) -> "Phone":
        """A user whose app the backend imports: quicker, and no code is spent."""
        phone = Phone(user or unique())
        uri = f"otpauth://totp/Bank:app?secret={phone.secret}&issuer=Bank"
        app = {"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri}
        self.server("POST", f"/users/{phone.user}/authenticators", app).ok()
        return phone


@dataclass(frozen=True)
class Phone:
    """A user's authenticator app. Its codes are oathtool's, which shares nothing with the functions."""

    user: str
    secret: str = field(default_factory=lambda: base64.b32encode(uuid.uuid4().bytes + uuid.uuid4().bytes[:4]).decode())

    def code(self, offset: int = 0) -> str:
        step = int(time.time()) // PERIOD + offset
        command = ["oathtool", "--totp", "--base32", f"--now=@{step * PERIOD}", self.secret]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    def previous_code(self) -> str:
        """Accepted too; so the current one is left. At most six seconds: enough of the step must be left to send it."""
        until("enough of the step is left", lambda: PERIOD - time.time() % PERIOD > 6)
        return self.code(-1)

    def wrong_codes(self, count: int) -> list[str]:
        near = {self.code(offset) for offset in range(-2, 4)}
        return [code for code in (f"{number:06}" for number in range(count + len(near))) if code not in near][:count]
