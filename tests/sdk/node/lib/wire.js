// Plain HTTP, for what no server SDK sends; every answer is held to the contract's rules for bodies.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

export const basic = (key) => `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
export const bearer = (token) => `Bearer ${token}`;

/** A user id, idempotency key or name that no other test has. */
export const unique = (prefix) => `${prefix}-${randomUUID()}`;

/** Sends `body` (an object as JSON, a string as it is) and gives `{status, body}`. */
export async function call(url, { method = "POST", authorization, body, headers = {} } = {}) {
  if (authorization) headers = { ...headers, authorization };
  if (typeof body === "object") {
    headers = { "content-type": "application/json", ...headers };
    body = JSON.stringify(body);
  }
  const response = await fetch(url, { method, headers, body });
  const text = await response.text();
  const seen = `${method} ${url} answered ${response.status} ${text}`;
  // Python compares the type exactly; every SDK parses every body.
  assert.equal(response.headers.get("content-type"), "application/json", seen);
  const json = JSON.parse(text);
  assert.ok(typeof json === "object" && json !== null, seen);
  if (response.ok) {
    assert.equal(response.status, 200, `success is 200 exactly: ${seen}`);
  } else {
    assert.equal(json.error, json.errorCode, seen);
    assert.equal(typeof json.errorCode, "string", seen);
    assert.equal(typeof json.errorDescription, "string", seen);
  }
  return { status: response.status, body: json };
}

/** The client API as a page or an app calls it, with a user token. */
export const client = (server, token) => ({
  enroll: () => call(`${server.api}/client/user-authenticators/totp`, { authorization: bearer(token) }),
  verify: (verificationCode) =>
    call(`${server.api}/client/verify/totp`, { authorization: bearer(token), body: { verificationCode } }),
});
