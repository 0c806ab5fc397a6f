import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "./lib/sdk.js";
import { serve } from "./lib/server.js";
import { unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);
const action = "sign-in";

async function enrolledUser() {
  const userId = unique("ada");
  await importApp(sdk, userId);
  return userId;
}

test("a user who is not enrolled is allowed, and told so", async () => {
  const tracked = await sdk.track({ userId: unique("new"), action });
  assert.equal(tracked.state, "ALLOW");
  assert.equal(tracked.isEnrolled, false);
  assert.deepEqual(tracked.enrolledVerificationMethods, []);
  assert.ok(tracked.allowedVerificationMethods.includes("AUTHENTICATOR_APP"));
  assert.ok(tracked.token);
  assert.ok(tracked.idempotencyKey);
  assert.ok(tracked.url.includes("?"), `SDKs append &mode=popup to ${tracked.url}`);
  assert.ok(URL.canParse(tracked.url), tracked.url);
});

test("an enrolled user is challenged, with every attribute sent", async () => {
  const userId = await enrolledUser();
  const idempotencyKey = unique("key");
  const tracked = await sdk.track({
    userId,
    action,
    attributes: {
      idempotencyKey,
      redirectUrl: "http://localhost:3000/done",
      redirectToSettings: false,
      ipAddress: "203.0.113.7",
      userAgent: "Mozilla/5.0",
      deviceId: unique("device"),
      scope: "read:authenticators",
      email: "ada@example.com",
      phoneNumber: "+64211234567",
      username: "ada",
      custom: { amount: 900, currency: "NZD", urgent: true },
      locale: "en",
    },
  });
  assert.equal(tracked.state, "CHALLENGE_REQUIRED");
  assert.equal(tracked.isEnrolled, true);
  assert.equal(tracked.idempotencyKey, idempotencyKey);
  assert.deepEqual(tracked.enrolledVerificationMethods, ["AUTHENTICATOR_APP"]);
  assert.ok(tracked.allowedVerificationMethods.includes("AUTHENTICATOR_APP"));
});

test("the same idempotency key is the same action, no key is a new one", async () => {
  const userId = await enrolledUser();
  const attributes = { idempotencyKey: unique("key"), custom: { amount: 900 } };
  const first = await sdk.track({ userId, action, attributes });
  const { createdAt } = await sdk.getAction({ userId, action, idempotencyKey: first.idempotencyKey });
  const again = await sdk.track({ userId, action, attributes });
  assert.equal(again.idempotencyKey, first.idempotencyKey);
  assert.equal(again.state, first.state);
  assert.equal((await sdk.getAction({ userId, action, idempotencyKey: first.idempotencyKey })).createdAt, createdAt);
  assert.equal((await sdk.queryUserActions({ userId })).length, 1);

  const other = await sdk.track({ userId, action });
  assert.notEqual(other.idempotencyKey, first.idempotencyKey);
  assert.equal((await sdk.queryUserActions({ userId })).length, 2);
});

test("the same idempotency key with another payment is a conflict, with another user another action", async () => {
  const userId = await enrolledUser();
  const idempotencyKey = unique("key");
  await sdk.track({ userId, action, attributes: { idempotencyKey, custom: { amount: 900 } } });
  await assert.rejects(sdk.track({ userId, action, attributes: { idempotencyKey, custom: { amount: 9 } } }), {
    name: "AuthsignalError",
    statusCode: 409,
    errorCode: "conflict",
  });
  const other = await sdk.track({ userId: unique("other"), action, attributes: { idempotencyKey, custom: { amount: 9 } } });
  assert.equal(other.state, "ALLOW");
});

test("getAction tells the state and its dates; an unknown action is an error", async () => {
  const userId = await enrolledUser();
  const { idempotencyKey } = await sdk.track({ userId, action });
  const found = await sdk.getAction({ userId, action, idempotencyKey });
  assert.equal(found.state, "CHALLENGE_REQUIRED");
  for (const date of [found.createdAt, found.stateUpdatedAt]) assert.ok(Date.parse(date) <= Date.now() + 5_000, date);
  assert.ok(Array.isArray(found.rules));
  assert.equal(typeof found.output, "object");
  assert.notEqual(found.output, null);
  await assert.rejects(sdk.getAction({ userId, action, idempotencyKey: unique("none") }), {
    name: "AuthsignalError",
    statusCode: 404,
  });
});

test("queryUserActions filters by code, state and date", async () => {
  const userId = await enrolledUser();
  const { idempotencyKey } = await sdk.track({ userId, action });
  const payment = await sdk.track({ userId, action: "payment" });
  await sdk.updateAction({ userId, action: "payment", idempotencyKey: payment.idempotencyKey, attributes: { state: "BLOCK" } });
  await sdk.track({ userId, action: "withdrawal" });

  const codes = async (filter) => (await sdk.queryUserActions({ userId, ...filter })).map((one) => one.actionCode).sort();
  assert.deepEqual(await codes({}), ["payment", "sign-in", "withdrawal"]);
  assert.deepEqual(await codes({ actionCodes: ["sign-in", "payment"] }), ["payment", "sign-in"]);
  assert.deepEqual(await codes({ state: "BLOCK" }), ["payment"]);
  assert.deepEqual(await codes({ fromDate: new Date(Date.now() - 3_600_000).toISOString() }), ["payment", "sign-in", "withdrawal"]);
  assert.deepEqual(await codes({ fromDate: new Date(Date.now() + 3_600_000).toISOString() }), []);

  const [one] = await sdk.queryUserActions({ userId, actionCodes: [action] });
  assert.equal(one.idempotencyKey, idempotencyKey);
  assert.equal(one.state, "CHALLENGE_REQUIRED");
  assert.ok(!Number.isNaN(Date.parse(one.createdAt)));
  assert.deepEqual(await sdk.queryUserActions({ userId: unique("nobody") }), []);
});

test("updateAction sets the state, and only to one that exists", async () => {
  const userId = await enrolledUser();
  const { idempotencyKey } = await sdk.track({ userId, action });
  const updated = await sdk.updateAction({ userId, action, idempotencyKey, attributes: { state: "REVIEW_FAILED" } });
  assert.equal(updated.state, "REVIEW_FAILED");
  assert.equal((await sdk.getAction({ userId, action, idempotencyKey })).state, "REVIEW_FAILED");
  await assert.rejects(sdk.updateAction({ userId, action, idempotencyKey, attributes: { state: "MAYBE" } }), {
    name: "AuthsignalError",
    statusCode: 400,
  });
});

test("an action code outside the alphabet is refused", async () => {
  await assert.rejects(sdk.track({ userId: unique("ada"), action: "sign.in" }), { name: "AuthsignalError", statusCode: 400 });
});
