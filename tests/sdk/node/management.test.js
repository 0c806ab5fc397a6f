import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "./lib/sdk.js";
import { managementKey, secretKey, serve, tenantId } from "./lib/server.js";
import { basic, call, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);

const manage = (method, path, body, key = managementKey) =>
  call(`${server.api}/management/action-configurations${path}`, { method, body, authorization: basic(key) });

const configuration = {
  actionCode: "payment",
  defaultUserActionResult: "REVIEW",
  verificationMethods: ["AUTHENTICATOR_APP", "PUSH"],
  defaultVerificationMethod: "AUTHENTICATOR_APP",
  messagingTemplates: { en: { defaultTemplate: "Approve the payment" } },
};

// First of all: the server may keep a tenant's configuration for a while once an action was tracked.
test("the configured result decides the state of a tracked action", async () => {
  const userId = unique("ada");
  await importApp(sdk, userId);
  const states = { ALLOW: "ALLOW", BLOCK: "BLOCK", REVIEW: "REVIEW_REQUIRED", CHALLENGE: "CHALLENGE_REQUIRED" };
  for (const result of Object.keys(states)) {
    const { status } = await manage("POST", "", { actionCode: `is-${result}`, defaultUserActionResult: result });
    assert.equal(status, 200);
  }
  for (const [result, state] of Object.entries(states)) {
    assert.equal((await sdk.track({ userId, action: `is-${result}` })).state, state, result);
  }
});

test("an action configuration is created, listed and read", async () => {
  const { body: created } = await manage("POST", "", configuration);
  assert.equal(created.tenantId, tenantId);
  const { body: read } = await manage("GET", "/payment");
  const { body: list } = await manage("GET", "");
  const listed = list.find((one) => one.actionCode === "payment");
  for (const [name, value] of Object.entries(configuration)) {
    assert.deepEqual(created[name], value, `created ${name}`);
    assert.deepEqual(read[name], value, `read ${name}`);
    assert.deepEqual(listed[name], value, `listed ${name}`);
  }
});

test("PATCH keeps what it does not name and clears what is null", async () => {
  await manage("POST", "", { ...configuration, actionCode: "transfer" });
  const { body: kept } = await manage("PATCH", "/transfer", { defaultUserActionResult: "BLOCK" });
  assert.equal(kept.defaultUserActionResult, "BLOCK");
  assert.deepEqual(kept.verificationMethods, configuration.verificationMethods);
  assert.equal(kept.defaultVerificationMethod, "AUTHENTICATOR_APP");

  await manage("PATCH", "/transfer", { verificationMethods: null, messagingTemplates: null });
  const { body: cleared } = await manage("GET", "/transfer");
  assert.equal(cleared.verificationMethods ?? null, null, "an unset list is omitted or null, never []");
  assert.equal(cleared.messagingTemplates ?? null, null);
  assert.equal(cleared.defaultUserActionResult, "BLOCK");
  assert.equal(cleared.defaultVerificationMethod, "AUTHENTICATOR_APP");
});

test("a deleted configuration is gone", async () => {
  await manage("POST", "", { ...configuration, actionCode: "withdrawal" });
  const { status, body } = await manage("DELETE", "/withdrawal");
  assert.equal(status, 200);
  assert.equal(body.success, true);
  assert.equal((await manage("GET", "/withdrawal")).status, 404);
  const { body: list } = await manage("GET", "");
  assert.equal(list.find((one) => one.actionCode === "withdrawal"), undefined);
});

test("a result or a code that does not exist is refused", async () => {
  assert.equal((await manage("POST", "", { actionCode: "odd", defaultUserActionResult: "MAYBE" })).status, 400);
  assert.equal((await manage("POST", "", { actionCode: "not a code", defaultUserActionResult: "ALLOW" })).status, 400);
  assert.equal((await manage("GET", "/odd")).status, 404);
  assert.equal((await manage("PATCH", "/unknown", { defaultUserActionResult: "ALLOW" })).status, 404);
});

test("the management key and the secret key open their own API only", async () => {
  assert.equal((await manage("GET", "", undefined, secretKey)).status, 401);
  assert.equal((await manage("GET", "", undefined, "bad-key")).status, 401);
  await assert.rejects(sdkFor(server, managementKey).getUser({ userId: "ada" }), { statusCode: 401 });
});
