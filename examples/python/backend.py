"""A second step at sign-in: python backend.py http://localhost:4001, then open /sign-in?user=grace there."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from authsignal import AuthsignalClient

ORIGIN = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:4001"
countersign = AuthsignalClient(api_secret_key=os.environ["KEY"], api_url=os.environ["API"])


def answer(path, query):
    if path == "/sign-in":
        # Here the password was right. Now Countersign says whether that is enough.
        user = query["user"][0]
        tracked = countersign.track(user_id=user, action="signIn", attributes={"redirectUrl": f"{ORIGIN}/done"})
        if tracked["state"] == "CHALLENGE_REQUIRED":
            return 302, tracked["url"]
        return (200, f"Welcome, {user}.") if tracked["state"] == "ALLOW" else (403, "Not now.")
    if path == "/done":
        # The hosted page sends the user back with a token. Only Countersign can say what it is worth.
        result = countersign.validate_challenge(attributes={"token": query["token"][0], "action": "signIn"})
        if result.get("state") == "CHALLENGE_SUCCEEDED":
            return 200, f"Welcome, {result['userId']}, with both steps."
        return 403, "Sign in again."
    return 404, "Go to /sign-in?user=grace."


class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        status, text = answer(url.path, parse_qs(url.query))
        self.send_response(status)
        self.send_header(*(("Location", text) if status == 302 else ("Content-Type", "text/plain")))
        self.end_headers()
        self.wfile.write(f"{text}\n".encode() if status != 302 else b"")

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("localhost", urlsplit(ORIGIN).port), Backend).serve_forever()
