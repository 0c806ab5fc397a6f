// Required actions and the enforcement of two factors, through the published SDK and the hosted address. In this order:
// the enforcement is for good, and the tenant is this file's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "./lib/sdk.js";
import { managementKey, secretKey, serve, until } from "./lib/server.js";
import { currentCode, previousCode } from "./lib/totp.js";
import { basic, call, client, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);
const action = "sign-in";
const setUp = "AUTHENTICATOR_APPLICATION_SETUP";

const manage = (method, path, body) =>
  call(`${server.api}/management${path}`, { method, body, authorization: basic(managementKey) });
const backend = (method, path) => call(`${server.api}${path}`, { method, authorization: basic(secretKey) });

/** Tracks until the user is stopped: a deployed function believes what it has read for half a minute. */
const stopped = (userId) =>
  until(`${userId} is stopped`, async () => {
    const tracked = await sdk.track({ userId, action });
    return tracked.state === "CHALLENGE_REQUIRED" && tracked;
  }, 60);

/** What a browser does with `url`: reads the page, takes the key off it, and sends the form with the first code. */
async function throughThePage(url) {
  const page = await (await fetch(url)).text();
  assert.match(page, /Set up your authenticator app/);
  assert.match(page, /<svg/, "the QR code");
  const secret = page.match(/[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}/)[0].replaceAll(" ", "");
  const token = page.match(/name="token" value="([^"]+)"/)[1];
  const seal = page.match(/name="seal" value="([^"]+)"/)[1];
  const form = new URLSearchParams({ token, seal, kind: "app", code: await previousCode(secret) });
  const done = await fetch(`${server.origin}/set-up`, { method: "POST", body: form });
  assert.match(await done.text(), /Keep your recovery codes/);
  return { secret, page };
}

async function assertSucceeded({ token }, userId) {
  const { isValid, state } = await sdk.validateChallenge({ token, userId, action });
  assert.deepEqual({ isValid, state }, { isValid: true, state: "CHALLENGE_SUCCEEDED" });
}

test("a chosen user is led to set-up at each sign-in until it is finished", async () => {
  const userId = unique("chosen");
  assert.equal((await sdk.track({ userId, action })).state, "ALLOW");
  assert.equal((await backend("PUT", `/users/${userId}/required-actions/${setUp}`)).status, 409, "not enabled");
  assert.equal((await manage("PATCH", `/required-actions/${setUp}`, { enabled: true })).body.enabled, true);
  const { body } = await backend("PUT", `/users/${userId}/required-actions/${setUp}`);
  assert.deepEqual(body.requiredActions, [setUp]);
  const abandoned = await stopped(userId);
  assert.equal((await fetch(abandoned.url)).status, 200);
  const again = await sdk.track({ userId, action });
  assert.deepEqual([again.state, again.isEnrolled], ["CHALLENGE_REQUIRED", false]);
  const { page } = await throughThePage(again.url);
  assert.match(page, /asks you to set up an authenticator app/);
  await assertSucceeded(again, userId);
  assert.equal((await sdk.getUser({ userId })).requiredActions, undefined);
});

test("two factors are enforced: existing, new and invited users are led to set-up, for good", async () => {
  const [existing, invited, enrolled, added] = ["existing", "invited", "enrolled", "new"].map(unique);
  assert.equal((await sdk.track({ userId: existing, action })).state, "ALLOW");
  await sdk.updateUser({ userId: invited, attributes: { email: `${invited}@example.com` } });
  const { secret } = await importApp(sdk, enrolled);

  const { body: before } = await manage("GET", "/two-factor-enforcement");
  assert.equal(before.status, "2FA is currently set to: OFF");
  assert.ok(before.preview.unEnrolled >= 2 && before.preview.pendingInvitations >= 1, JSON.stringify(before));
  assert.equal((await manage("POST", "/two-factor-enforcement", { confirmation: "yes", by: "Grace" })).status, 400);
  const { body: on } = await manage("POST", "/two-factor-enforcement", { confirmation: "Enforce 2FA", by: "Grace" });
  assert.deepEqual([on.status, on.enforcedBy], ["2FA is currently set to: ON", "Grace"]);

  for (const userId of [existing, invited, added]) {
    const tracked = await stopped(userId);
    assert.equal(tracked.isEnrolled, false);
    const { page } = await throughThePage(tracked.url);
    assert.match(page, /asks everybody for a second step/);
    await assertSucceeded(tracked, userId);
    assert.equal((await sdk.getUser({ userId })).isEnrolled, true);
  }
  const tracked = await sdk.track({ userId: enrolled, action });
  const { body: verified } = await client(server, tracked.token).verify(currentCode(secret));
  assert.equal(verified.isVerified, true, "who is enrolled answers as ever");
  await assertSucceeded({ token: verified.accessToken }, enrolled);

  for (const [method, path] of [["DELETE", "/two-factor-enforcement"], ["PATCH", "/two-factor-enforcement"]]) {
    assert.ok((await manage(method, path, {})).status >= 400);
  }
  await manage("PATCH", "/tenant", { name: "Other", enforcement: null, isOn: false });
  const { body: after } = await manage("POST", "/two-factor-enforcement", { confirmation: "Enforce 2FA", by: "Mallory" });
  assert.deepEqual([after.status, after.enforcedBy], ["2FA is currently set to: ON", "Grace"]);
});
