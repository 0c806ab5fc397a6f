import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "./lib/sdk.js";
import { secretKey, serve } from "./lib/server.js";
import { basic, call, unique } from "./lib/wire.js";

const server = await serve();
const sdk = sdkFor(server);

test("an unknown user is a user who is not enrolled", async () => {
  const user = await sdk.getUser({ userId: unique("nobody") });
  assert.equal(user.isEnrolled, false);
  assert.equal(user.emailVerified, false);
  assert.equal(user.phoneNumberVerified, false);
  assert.equal(user.email, undefined);
});

test("updateUser creates the user, echoes every attribute and getUser gives them back", async () => {
  const userId = unique("ada");
  const attributes = {
    email: "ada@example.com",
    emailVerified: true,
    phoneNumber: "+64211234567",
    phoneNumberVerified: false,
    username: unique("ada"),
    displayName: "Ada Lovelace",
    locale: "en",
    custom: { tier: "gold", age: 36, staff: true },
  };
  const echo = await sdk.updateUser({ userId, attributes });
  assert.equal(echo.userId, userId);
  const stored = await sdk.getUser({ userId });
  for (const [name, value] of Object.entries(attributes)) {
    assert.deepEqual(echo[name], value, `echo of ${name}`);
    assert.deepEqual(stored[name], value, `stored ${name}`);
  }
});

test("updateUser leaves alone what it does not name, and takes a phone number that is not E.164", async () => {
  const userId = unique("grace");
  await sdk.updateUser({ userId, attributes: { displayName: "Grace", username: userId, custom: { tier: "gold" } } });
  await sdk.updateUser({ userId, attributes: { phoneNumber: "9876543210", displayName: null } });
  const user = await sdk.getUser({ userId });
  assert.equal(user.displayName, "Grace");
  assert.equal(user.username, userId);
  assert.deepEqual(user.custom, { tier: "gold" });
  assert.equal(user.phoneNumber, "9876543210");
});

test("queryUsers finds a user by e-mail, phone number and username, and no other", async () => {
  const userId = unique("joan");
  const email = `${unique("joan")}+mfa@example.com`;
  const phoneNumber = "+447700900123";
  await sdk.updateUser({ userId, attributes: { email, phoneNumber, username: userId } });
  for (const query of [{ email }, { phoneNumber }, { username: userId }]) {
    const { users } = await sdk.queryUsers(query);
    assert.deepEqual(users.map((user) => user.userId), [userId], JSON.stringify(query));
    assert.equal(users[0].email, email);
    assert.equal(users[0].phoneNumber, phoneNumber);
    assert.equal(users[0].username, userId);
    assert.equal(users[0].emailVerified, false);
    assert.equal(users[0].phoneNumberVerified, false);
  }
  assert.deepEqual((await sdk.queryUsers({ email: "nobody@example.com" })).users, []);
});

test("queryUsers no longer finds a user by the e-mail that was replaced", async () => {
  const userId = unique("mary");
  const [before, now] = [`${unique("before")}@example.com`, `${unique("now")}@example.com`];
  await sdk.updateUser({ userId, attributes: { email: before } });
  await sdk.updateUser({ userId, attributes: { email: now } });
  assert.deepEqual((await sdk.queryUsers({ email: before })).users, []);
  assert.deepEqual((await sdk.queryUsers({ email: now })).users.map((user) => user.userId), [userId]);
});

test("queryUsers gives the users of a shared e-mail page by page", async () => {
  const email = `${unique("family")}@example.com`;
  const family = [unique("a"), unique("b"), unique("c")];
  for (const userId of family) await sdk.updateUser({ userId, attributes: { email } });
  const seen = [];
  let lastEvaluatedUserId;
  do {
    const page = await sdk.queryUsers({ email, limit: 2, lastEvaluatedUserId });
    assert.ok(page.users.length <= 2);
    seen.push(...page.users.map((user) => user.userId));
    ({ lastEvaluatedUserId } = page);
  } while (lastEvaluatedUserId && seen.length <= family.length);
  assert.deepEqual(seen.sort(), family.sort());
});

test("queryUsers without anything to look for is an error", async () => {
  await assert.rejects(sdk.queryUsers({}), { name: "AuthsignalError", statusCode: 400 });
});

test("deleteUser takes the attributes, the authenticators and the look-ups away", async () => {
  const userId = unique("gone");
  const email = `${userId}@example.com`;
  await sdk.updateUser({ userId, attributes: { email } });
  await importApp(sdk, userId);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);

  await sdk.deleteUser({ userId });

  const user = await sdk.getUser({ userId });
  assert.equal(user.isEnrolled, false);
  assert.equal(user.email, undefined);
  assert.deepEqual(await sdk.getAuthenticators({ userId }), []);
  assert.deepEqual((await sdk.queryUsers({ email })).users, []);
});

test("a raw and a percent-encoded id are the same user", async () => {
  const userId = `auth0|${unique("ada")}@example.com:1+2`;
  await sdk.updateUser({ userId, attributes: { displayName: "Ada" } });
  const { body } = await call(`${server.api}/users/${encodeURIComponent(userId)}`, {
    method: "GET",
    authorization: basic(secretKey),
  });
  assert.equal(body.displayName, "Ada");
  const updated = await sdk.updateUser({ userId, attributes: { locale: "en" } });
  assert.equal(updated.userId, userId);
});
