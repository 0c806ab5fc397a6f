// The published browser SDK in a page of another origin than the API's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sdkFor } from "../sdk/node/lib/sdk.js";
import { serve } from "../sdk/node/lib/server.js";
import { currentCode, previousCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openBrowser } from "./lib/chromium.js";
import { openClientPage, setToken } from "./lib/client.js";
import { openShop } from "./lib/shop.js";

const server = await serve();
const shop = await openShop();
const browser = await openBrowser();
const sdk = sdkFor(server);
const action = "sign-in";

/** The shop's page and its SDK client. */
async function openClient(test) {
  const page = await openClientPage(browser, test, { shop, server });
  return {
    page,
    setToken: (token) => setToken(page, token),
    enroll: () => page.evaluate(() => window.client.totp.enroll()),
    verify: (code) => page.evaluate((value) => window.client.totp.verify({ code: value }), code),
    expirations: () => page.evaluate(() => window.expirations),
  };
}

test("a page enrols an app with the SDK, then signs in with it", async (t) => {
  const userId = unique("ada");
  const client = await openClient(t);

  const signUp = await sdk.track({ userId, action });
  await client.setToken(signUp.token);
  const { data: enrolment, errorCode } = await client.enroll();
  assert.equal(errorCode, undefined);
  assert.equal(enrolment.userId, userId);
  assert.ok(enrolment.uri.startsWith("otpauth://totp/"));
  const { data: enrolled } = await client.verify(await previousCode(enrolment.secret));
  assert.equal(enrolled.isVerified, true);
  assert.equal(enrolled.userAuthenticator.userAuthenticatorId, enrolment.userAuthenticatorId);
  assert.equal((await sdk.validateChallenge({ token: enrolled.token })).state, "CHALLENGE_SUCCEEDED");

  const signIn = await sdk.track({ userId, action });
  assert.equal(signIn.state, "CHALLENGE_REQUIRED");
  await client.setToken(signIn.token);
  const { data: verified } = await client.verify(currentCode(enrolment.secret));
  assert.equal(verified.isVerified, true);
  const validated = await sdk.validateChallenge({ token: verified.token, userId, action });
  assert.equal(validated.isValid, true);
  assert.equal(validated.idempotencyKey, signIn.idempotencyKey);
  assert.deepEqual(client.page.problems, []);
});

test("a rubbish token is an error that the page can read, and is not taken for an expired one", async (t) => {
  const client = await openClient(t);
  await client.setToken("rubbish");
  for (const answer of [await client.enroll(), await client.verify("123456")]) {
    assert.equal(answer.errorCode, "invalid_token");
    assert.ok(answer.errorDescription);
    assert.equal(answer.data, undefined);
  }
  assert.equal(await client.expirations(), 0);
});
