// Sign-in by QR code with the published browser SDK (`polling: true`), photographed off the page by real `phone` processes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { tenantId, until } from "../sdk/node/lib/server.js";
import { basic, call } from "../sdk/node/lib/wire.js";
import { photograph } from "./lib/client.js";
import { exits, newPhone } from "./lib/phone.js";
import { action, openWorld } from "./lib/world.js";

const world = await openWorld();
const { sdk } = world;

/** The page asks for a code and draws it; a picture of it. `states(n)` waits for what the SDK's handler was told. */
async function show(page) {
  const { data } = await page.evaluate(async (code) => {
    window.states = [];
    const onStateChange = (state, token) => {
      if (window.states.at(-1)?.state !== state) window.states.push({ state, token });
    };
    return window.client.qrCode.challenge({ action: code, polling: true, pollInterval: 100, onStateChange });
  }, action);
  const picture = await photograph(page, data.challengeId);
  const states = (count) =>
    until(`${count} states`, async () => {
      const seen = await page.evaluate(() => window.states);
      return seen.length >= count && seen;
    });
  return { ...data, picture, states };
}

test("a phone scans the code off the page and signs its owner in there", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page, "qr-code");
  const { userId: other, phone: second } = await world.userWithPhone(t, page, "qr-code", ["--platform", "ios"]);
  assert.notEqual(userId, other);
  const shown = await show(page);
  const scan = phone.start("scan", phone.file("code.png", shown.picture));
  await scan.see(new RegExp(`Action +${action}\n +Account +${userId}\n +Site +${world.shop.origin}\n +IP address +127\\.0\\.0\\.1\n +Browser +Chrome \\d+ on Linux`));
  assert.deepEqual((await shown.states(1)).map((one) => one.state), ["claimed"]);
  const refused = await second.run(["scan", second.file("code.png", shown.picture), "--approve"], exits.over);
  assert.match(refused, /scanned by another device/);
  await scan.see(/\[a\]pprove/);
  scan.type("a");
  assert.match(await scan.end(), /Approved\./);
  const [, { state, token }] = await shown.states(2);
  assert.equal(state, "approved");
  const validated = await sdk.validateChallenge({ token, userId, action });
  assert.equal(validated.isValid, true);
  assert.equal(validated.state, "CHALLENGE_SUCCEEDED");
  assert.deepEqual(page.problems, []);
});

test("without a question it approves at once, and denies", async (t) => {
  const page = await world.openPage(t);
  const { phone } = await world.userWithPhone(t, page, "qr-code");
  for (const [option, end] of [["--approve", "approved"], ["--deny", "rejected"]]) {
    const shown = await show(page);
    await phone.run(["scan", phone.file("code.png", shown.picture), option]);
    const seen = await until(`the page is told: ${end}`, async () => (await shown.states(1)).find((one) => one.state === end));
    assert.equal(typeof seen.token, end === "approved" ? "string" : "undefined");
  }
});

test("what was scanned and left is denied later, and what was denied stays so", async (t) => {
  const page = await world.openPage(t);
  const { phone } = await world.userWithPhone(t, page, "qr-code");
  const shown = await show(page);
  const scan = phone.start("scan", shown.challengeId);
  await scan.see(/Enter to leave it/);
  scan.type("");
  assert.match(await scan.end(), /Left as it is/);
  await shown.states(1);
  assert.match(await phone.run(["deny"]), /Denied\./);
  assert.deepEqual((await shown.states(2)).map((one) => one.state), ["claimed", "rejected"]);
  await phone.run(["scan", shown.challengeId, "--approve"], exits.over);
});

test("touching the tag is scanning the code", async (t) => {
  const page = await world.openPage(t);
  const { phone } = await world.userWithPhone(t, page, "qr-code");
  const shown = await show(page);
  const path = `/client/challenge/qr-code/${shown.challengeId}/ndef`;
  const { body } = await call(world.server.api + path, { method: "GET", authorization: basic(tenantId) });
  const tag = phone.file("tag.ndef", Buffer.from(body.ndef, "base64"));
  assert.match(await phone.run(["scan", tag, "--approve"]), /Approved\./);
  await until("the page is told", async () => (await shown.states(1)).at(-1).state === "approved");
});

test("the address of a hosted page, photographed, enrols at its server; and a code for setting up is no sign-in", async (t) => {
  const page = await world.openPage(t);
  const userId = "grace-at-the-hosted-page";
  const { url } = await world.track(userId);
  const phone = newPhone(t, "http://127.0.0.1:1/v1"); // What the picture says comes first.
  const picture = phone.file("page.png", await photograph(page, url));
  await phone.run(["scan", picture], exits.wrong);
  assert.match(await phone.run(["enroll", picture]), /Enrolled for grace-at-the-hosted-page/);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);
});

test("the picture of a TOTP set-up gives codes that sign in", async (t) => {
  const page = await world.openPage(t);
  const phone = newPhone(t, undefined);
  const { token } = await world.track("grace-with-codes");
  await page.evaluate((value) => window.client.setToken(value), token);
  const { data } = await page.evaluate(() => window.client.totp.enroll());
  await phone.run(["enroll", phone.file("setup.png", await photograph(page, data.uri))]);
  const { code, account } = JSON.parse(await phone.run(["codes", "--json"]));
  assert.match(account, /grace-with-codes/);
  const verified = await page.evaluate((value) => window.client.totp.verify({ code: value }), code);
  assert.equal(verified.data.isVerified, true);
  assert.match(await phone.run(["codes"]), /\d{3} \d{3} .*grace-with-codes/);
});
