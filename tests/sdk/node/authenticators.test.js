import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "./lib/sdk.js";
import { serve } from "./lib/server.js";
import { previousCode } from "./lib/totp.js";
import { client, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);

const contact = { EMAIL_OTP: { email: "ada@example.com" }, SMS: { phoneNumber: "+64211234567" } };

for (const [verificationMethod, attributes] of Object.entries(contact)) {
  test(`enrollVerifiedAuthenticator enrols ${verificationMethod}`, async () => {
    const userId = unique("ada");
    const { authenticator, recoveryCodes } = await sdk.enrollVerifiedAuthenticator({
      userId,
      attributes: { verificationMethod, ...attributes },
    });
    assert.ok(Array.isArray(recoveryCodes));
    assert.equal(authenticator.userId, userId);
    assert.equal(authenticator.verificationMethod, verificationMethod);
    assert.ok(authenticator.userAuthenticatorId);
    assert.ok(!Number.isNaN(Date.parse(authenticator.createdAt)));
    for (const [name, value] of Object.entries(attributes)) assert.equal(authenticator[name], value);

    const user = await sdk.getUser({ userId });
    assert.equal(user.isEnrolled, true);
    assert.deepEqual(user.enrolledVerificationMethods, [verificationMethod]);
    const [listed] = await sdk.getAuthenticators({ userId });
    assert.equal(listed.userAuthenticatorId, authenticator.userAuthenticatorId);
  });
}

test("an imported authenticator app answers a challenge with its own secret", async () => {
  const userId = unique("ada");
  const { authenticator, secret } = await importApp(sdk, userId);
  assert.equal(authenticator.verificationMethod, "AUTHENTICATOR_APP");
  assert.ok(!JSON.stringify(await sdk.getAuthenticators({ userId })).includes(secret), "the secret is never shown again");

  const { state, token } = await sdk.track({ userId, action: "sign-in" });
  assert.equal(state, "CHALLENGE_REQUIRED");
  const { body } = await client(server, token).verify(await previousCode(secret));
  assert.equal(body.isVerified, true);
  assert.equal((await sdk.validateChallenge({ token: body.accessToken })).state, "CHALLENGE_SUCCEEDED");
});

test("an otpUri that is none is refused, and enrols nobody", async () => {
  const userId = unique("ada");
  const attributes = { verificationMethod: "AUTHENTICATOR_APP", otpUri: "https://example.com/?secret=MFRGG" };
  await assert.rejects(sdk.enrollVerifiedAuthenticator({ userId, attributes }), { name: "AuthsignalError", statusCode: 400 });
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
});

test("deleteAuthenticator takes one away, and with the last the user is no longer enrolled", async () => {
  const userId = unique("ada");
  const { authenticator: app } = await importApp(sdk, userId);
  const { authenticator: sms } = await sdk.enrollVerifiedAuthenticator({
    userId,
    attributes: { verificationMethod: "SMS", phoneNumber: "+64211234567" },
  });
  const ids = async () => (await sdk.getAuthenticators({ userId })).map((one) => one.userAuthenticatorId).sort();
  assert.deepEqual(await ids(), [app.userAuthenticatorId, sms.userAuthenticatorId].sort());

  await sdk.deleteAuthenticator({ userId, userAuthenticatorId: app.userAuthenticatorId });
  assert.deepEqual(await ids(), [sms.userAuthenticatorId]);
  assert.deepEqual((await sdk.getUser({ userId })).enrolledVerificationMethods, ["SMS"]);

  await sdk.deleteAuthenticator({ userId, userAuthenticatorId: sms.userAuthenticatorId });
  assert.deepEqual(await ids(), []);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
  assert.equal((await sdk.track({ userId, action: "sign-in" })).state, "ALLOW");
});
