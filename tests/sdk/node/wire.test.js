// What the SDKs of other languages send, and what all of them need in every answer (checked in lib/wire.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { sdkFor } from "./lib/sdk.js";
import { secretKey, serve } from "./lib/server.js";
import { basic, call, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);
const authorization = basic(secretKey);
const unauthorized = "The request is unauthorized. Check that your API key and region base URL are correctly configured.";

test("the SDK maps a bad key to its error", async () => {
  const stranger = sdkFor(server, "bad-secret");
  const userId = unique("ada");
  const calls = {
    getUser: () => stranger.getUser({ userId }),
    track: () => stranger.track({ userId, action: "sign-in" }),
    validateChallenge: () => stranger.validateChallenge({ token: "rubbish" }),
    deleteUser: () => stranger.deleteUser({ userId }),
  };
  for (const [name, attempt] of Object.entries(calls)) {
    await assert.rejects(attempt, (error) => {
      assert.equal(error.name, "AuthsignalError", name);
      assert.equal(error.statusCode, 401, name);
      assert.equal(error.errorCode, "unauthorized", name);
      assert.equal(error.errorDescription, unauthorized, name);
      return true;
    });
  }
});

test("no key, another scheme and a key as the password are a 401 too", async () => {
  const url = `${server.api}/users/ada`;
  const asPassword = `Basic ${Buffer.from(`:${secretKey}`).toString("base64")}`;
  for (const wrong of [undefined, `Bearer ${secretKey}`, asPassword, "Basic", "Basic %%%"]) {
    const { status, body } = await call(url, { method: "GET", authorization: wrong });
    assert.equal(status, 401, wrong);
    assert.equal(body.errorDescription, unauthorized, wrong);
  }
});

test("the key is checked before the path: a bad key is a 401 even where the last segment is empty", async () => {
  for (const path of ["users/", "users/ada/actions/sign-in/", "users/ada/authenticators/"]) {
    const { status } = await call(`${server.api}/${path}`, { method: "GET", authorization: basic("bad-secret") });
    assert.equal(status, 401, path);
  }
});

test("an empty body, {} and [] are the same as no attributes", async () => {
  const json = { "content-type": "application/json" };
  const bodies = [{}, { headers: json }, { headers: json, body: "" }, { headers: json, body: "{}" }, { headers: json, body: "[]" }];
  for (const request of bodies) {
    const { status, body } = await call(`${server.api}/users/${unique("ada")}/actions/sign-in`, { authorization, ...request });
    assert.equal(status, 200, JSON.stringify(request));
    assert.equal(body.state, "ALLOW");
  }
});

test("unknown fields are ignored and null is absent", async () => {
  const { status, body } = await call(`${server.api}/users/${unique("ada")}/actions/sign-in`, {
    authorization,
    body: { redirect_url: "http://localhost:3000", ip_address: "127.0.0.1", idempotencyKey: null, custom: null, scope: null, made: { up: [1] } },
  });
  assert.equal(status, 200);
  assert.ok(body.idempotencyKey);
});

test("a body that is no JSON is a 400", async () => {
  const { status } = await call(`${server.api}/users/${unique("ada")}/actions/sign-in`, {
    authorization,
    headers: { "content-type": "application/json" },
    body: '{"custom":',
  });
  assert.equal(status, 400);
});

test("POST updates a user as PATCH does, and DELETE answers with an object", async () => {
  const userId = unique("ada");
  const url = `${server.api}/users/${userId}`;
  const { body } = await call(url, { authorization, body: { displayName: "Ada" } });
  assert.equal(body.displayName, "Ada");
  assert.equal((await sdk.getUser({ userId })).displayName, "Ada");
  assert.equal((await call(url, { method: "DELETE", authorization })).status, 200);
  assert.equal((await sdk.getUser({ userId })).displayName, undefined);
});

test("validate names the action twice, for the SDKs that read one of the two", async () => {
  const { token } = await sdk.track({ userId: unique("ada"), action: "sign-in" });
  const { body } = await call(`${server.api}/validate`, { authorization, body: { token } });
  assert.equal(body.action, "sign-in");
  assert.equal(body.actionCode, "sign-in");
  assert.equal(body.isValid, false);
});

test("a path that is none is an error of the same shape", async () => {
  assert.equal((await call(`${server.api}/no-such-thing`, { method: "GET", authorization })).status, 404);
});

test("a page of any origin is told that it may send its token", async () => {
  const { ok, headers } = await fetch(`${server.api}/client/verify/totp`, {
    method: "OPTIONS",
    headers: {
      origin: "https://shop.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.ok(ok);
  assert.ok(["*", "https://shop.example"].includes(headers.get("access-control-allow-origin")));
  // By the Fetch standard `*` does not stand for Authorization: browsers differ in how long they still let it.
  const allowed = (headers.get("access-control-allow-headers") ?? "").toLowerCase().split(/\s*,\s*/);
  for (const name of ["authorization", "content-type"]) assert.ok(allowed.includes(name), `${name}: ${allowed}`);
});
