// A sign-in from the first track to the second factor: the backend through the SDK, the browser's half over plain HTTP.
import assert from "node:assert/strict";
import { test } from "node:test";
import { URI } from "otpauth";
import { importApp, sdkFor } from "./lib/sdk.js";
import { serve } from "./lib/server.js";
import { currentCode, previousCode, wrongCode } from "./lib/totp.js";
import { call, client, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);
const action = "sign-in";

/** Tracks an action of a user who has an app, and gives the browser's half of it. */
async function challenged(userId, attributes) {
  const { state, token, idempotencyKey } = await sdk.track({ userId, action, attributes });
  assert.equal(state, "CHALLENGE_REQUIRED");
  return { token, idempotencyKey, ...client(server, token) };
}

function assertRefused({ status, body }) {
  assert.equal(status, 200);
  assert.equal(body.isVerified, false);
  assert.equal(body.failureReason, "CODE_INVALID_OR_EXPIRED");
  assert.equal(body.accessToken, undefined);
}

test("track, enrol, verify, validate; then track and verify with the next code", async () => {
  const userId = unique("ada");
  const signUp = await sdk.track({ userId, action });
  assert.equal(signUp.state, "ALLOW");

  const { body: enrolment } = await client(server, signUp.token).enroll();
  assert.equal(enrolment.userId, userId);
  assert.ok(enrolment.userAuthenticatorId);
  const app = URI.parse(enrolment.uri);
  assert.equal(app.secret.base32, enrolment.secret);
  assert.equal(app.secret.bytes.length, 20);
  assert.equal(app.constructor.name, "TOTP");
  assert.deepEqual([app.algorithm, app.digits, app.period], ["SHA1", 6, 30]);
  assert.ok(app.issuer);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false, "an enrolment counts once its code was right");

  const { body: enrolled } = await client(server, signUp.token).verify(await previousCode(enrolment.secret));
  assert.equal(enrolled.isVerified, true);
  assert.equal(enrolled.userAuthenticator.userAuthenticatorId, enrolment.userAuthenticatorId);
  assert.equal(enrolled.userAuthenticator.verificationMethod, "AUTHENTICATOR_APP");
  const first = await sdk.validateChallenge({ token: enrolled.accessToken, userId, action });
  assert.equal(first.isValid, true);
  assert.equal(first.state, "CHALLENGE_SUCCEEDED");
  assert.equal(first.idempotencyKey, signUp.idempotencyKey);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);

  const signIn = await challenged(userId);
  const { body: verified } = await signIn.verify(currentCode(enrolment.secret));
  assert.equal(verified.isVerified, true);
  assert.equal(verified.userAuthenticator, undefined);
  const second = await sdk.validateChallenge({ token: verified.accessToken, userId, action });
  assert.equal(second.isValid, true);
  assert.equal(second.state, "CHALLENGE_SUCCEEDED");
  assert.equal(second.userId, userId);
  assert.equal(second.action, action);
  assert.equal(second.idempotencyKey, signIn.idempotencyKey);
  assert.equal(second.verificationMethod, "AUTHENTICATOR_APP");
  assert.ok(!Number.isNaN(Date.parse(second.stateUpdatedAt)));
  assert.equal((await sdk.getAction({ userId, action, idempotencyKey: signIn.idempotencyKey })).state, "CHALLENGE_SUCCEEDED");
});

test("a code that was accepted is accepted in no other action", async () => {
  const userId = unique("ada");
  const { secret } = await importApp(sdk, userId);
  const code = currentCode(secret);
  assert.equal((await (await challenged(userId)).verify(code)).body.isVerified, true);

  const replayed = await challenged(userId);
  assertRefused(await replayed.verify(code));
  assert.equal((await sdk.validateChallenge({ token: replayed.token })).state, "CHALLENGE_REQUIRED");
});

test("a step before the one accepted last is too late", async () => {
  const userId = unique("ada");
  const { secret } = await importApp(sdk, userId);
  const before = await previousCode(secret);
  assert.equal((await (await challenged(userId)).verify(currentCode(secret))).body.isVerified, true);
  assertRefused(await (await challenged(userId)).verify(before));
});

test("a wrong code leaves the challenge open for the right one", async () => {
  const userId = unique("ada");
  const { secret } = await importApp(sdk, userId);
  const signIn = await challenged(userId);
  assertRefused(await signIn.verify(wrongCode(secret)));
  assertRefused(await signIn.verify("not a code"));
  const open = await sdk.validateChallenge({ token: signIn.token });
  assert.equal(open.isValid, false);
  assert.equal(open.state, "CHALLENGE_REQUIRED");
  assert.equal((await signIn.verify(currentCode(secret))).body.isVerified, true);
});

test("a wrong code enrols nobody, and the enrolment can still be finished", async () => {
  const userId = unique("ada");
  const { token } = await sdk.track({ userId, action });
  const { enroll, verify } = client(server, token);
  const { secret } = (await enroll()).body;
  assertRefused(await verify(wrongCode(secret)));
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
  assert.equal((await verify(currentCode(secret))).body.isVerified, true);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);
});

test("validateChallenge before the challenge: not valid, the rest filled in", async () => {
  const userId = unique("ada");
  await importApp(sdk, userId);
  const { token, idempotencyKey } = await challenged(userId);
  const before = await sdk.validateChallenge({ token });
  assert.equal(before.isValid, false);
  assert.equal(before.state, "CHALLENGE_REQUIRED");
  assert.equal(before.userId, userId);
  assert.equal(before.action, action);
  assert.equal(before.idempotencyKey, idempotencyKey);
});

test("validateChallenge of an action that was allowed without a challenge is not valid", async () => {
  const { token } = await sdk.track({ userId: unique("new"), action });
  const validated = await sdk.validateChallenge({ token });
  assert.equal(validated.isValid, false);
  assert.equal(validated.state, "ALLOW");
});

test("validateChallenge for another user or another action, or with rubbish, is not valid", async () => {
  const userId = unique("ada");
  const { secret } = await importApp(sdk, userId);
  const { accessToken: token } = (await (await challenged(userId)).verify(currentCode(secret))).body;
  assert.equal((await sdk.validateChallenge({ token, userId: unique("eve") })).isValid, false);
  assert.equal((await sdk.validateChallenge({ token, action: "payment" })).isValid, false);
  assert.equal((await sdk.validateChallenge({ token: "rubbish" })).isValid, false);
  assert.equal((await sdk.validateChallenge({ token: `${token.slice(0, -4)}AAAA` })).isValid, false);
  assert.equal((await sdk.validateChallenge({ token, userId, action })).isValid, true, "none of these spent the token");
});

test("an enrolled user adds no second app before passing a challenge", async () => {
  const userId = unique("ada");
  const { authenticator } = await importApp(sdk, userId);
  const { enroll } = await challenged(userId);
  assert.equal((await enroll()).status, 403);
  const [only, ...others] = await sdk.getAuthenticators({ userId });
  assert.equal(only.userAuthenticatorId, authenticator.userAuthenticatorId);
  assert.deepEqual(others, []);
});

test("the client API refuses a rubbish token and no token", async () => {
  const { status, body } = await client(server, "rubbish").enroll();
  assert.equal(status, 401);
  assert.equal(body.errorCode, "invalid_token");
  assert.equal((await client(server, "rubbish").verify("123456")).status, 401);
  assert.equal((await call(`${server.api}/client/user-authenticators/totp`)).status, 401);
});
