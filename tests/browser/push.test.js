// Push with the published browser SDK, in a page of another origin than the API's; the devices are real `phone` processes.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { unique } from "../sdk/node/lib/wire.js";
import { exits, newPhone } from "./lib/phone.js";
import { openRoad } from "./lib/proxy.js";
import { action, openWorld } from "./lib/world.js";

const world = await openWorld();
const { sdk } = world;

const context = { ipAddress: "203.0.113.7", userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" };

async function assertSucceeded(token, userId, idempotencyKey) {
  const validated = await sdk.validateChallenge({ token, userId, action });
  assert.equal(validated.isValid, true);
  assert.equal(validated.state, "CHALLENGE_SUCCEEDED");
  assert.equal(validated.verificationMethod, "PUSH");
  assert.equal(validated.idempotencyKey, idempotencyKey);
}

for (const platform of ["android", "ios"]) {
  test(`a person reads on their phone who asks, and approves (${platform})`, async (t) => {
    const page = await world.openPage(t);
    const { userId, phone } = await world.userWithPhone(t, page, "push", ["--platform", platform, "--name", "Grace's phone"]);
    assert.equal(statSync(path.join(phone.home, "phone.json")).mode & 0o777, 0o600);
    const [authenticator] = await sdk.getAuthenticators({ userId });
    assert.deepEqual([authenticator.devicePlatform, authenticator.displayName], [platform.toUpperCase(), "Grace's phone"]);

    const watch = phone.start("watch");
    await watch.see(/Waiting for sign-ins of grace/);
    const { asked, idempotencyKey } = await world.ask(page, userId, context);
    assert.equal(asked.verificationCode, undefined);
    await watch.see(/Is it you\?\n/);
    await watch.see(new RegExp(`Action +Sign-in\n +Asked by +Countersign\n +IP address +203\\.0\\.113\\.7\n +Browser +Firefox 145 on Linux\n`));
    await watch.see(/\[a\]pprove, \[d\]eny, \[n\]ot me/);
    watch.type("a");
    await watch.see(/Approved\./);
    const { isVerified, token } = await world.pushIsOver(page, asked.challengeId);
    assert.equal(isVerified, true);
    await assertSucceeded(token, userId, idempotencyKey);
    watch.interrupt();
    assert.match(await watch.end(exits.interrupted), /stopped/);
    assert.match(await phone.run(["devices"]), /last used/);
    assert.deepEqual(page.problems, []);
  });
}

test("the hosted page shows a number, and goes on by itself once the phone has approved with it", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const { url, idempotencyKey } = await world.track(userId, { redirectUrl: world.shop.redirectUrl });
  await page.goto(url);
  assert.equal(await page.locator('input[name="code"]').count(), 0, "there is no app to ask for a code");
  const ask = page.getByRole("button", { name: "Ask my phone" });
  await ask.click();
  await page.locator("#number").waitFor();
  await phone.run(["deny"]);
  await page.locator('[role="alert"]', { hasText: "denied" }).waitFor();

  await ask.click();
  const number = (await page.locator("#number").innerText()).replace(/\s/g, "");
  assert.match(number, /^\d{6}$/);
  await phone.run(["approve"], exits.wrong); // It asks for the number.
  await phone.run(["approve", "--number", number === "000000" ? "111111" : "000000"], exits.number);
  assert.equal((await page.locator("#number").innerText()).replace(/\s/g, ""), number, "it still waits");
  await phone.run(["approve", "--number", number]);
  await page.waitForURL(`${world.shop.origin}/done?**`);
  await assertSucceeded(new URL(page.url()).searchParams.get("token"), userId, idempotencyKey);
});

test("a denial is seen by the page, and is no success", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const { asked, token } = await world.ask(page, userId);
  assert.match(await phone.run(["pending"]), /Is it you\?/);
  assert.match(await phone.run(["deny"]), /Denied\./);
  const { isVerified, token: given } = await world.pushIsOver(page, asked.challengeId);
  assert.deepEqual([isVerified, given], [false, undefined]);
  assert.equal((await sdk.validateChallenge({ token })).state, "CHALLENGE_REQUIRED");
  await phone.run(["approve"], exits.nothingWaits);
});

test("not me fails the action, and no more pushes are sent", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const { asked, token } = await world.ask(page, userId);
  const watch = phone.start("watch", "--once");
  await watch.see(/\[n\]ot me/);
  watch.type("n");
  assert.match(await watch.end(), /Denied and reported/);
  assert.equal((await world.pushIsOver(page, asked.challengeId)).isVerified, false);
  assert.equal((await sdk.validateChallenge({ token })).state, "CHALLENGE_FAILED");
  assert.equal((await world.ask(page, userId)).errorCode, "too_many_requests");
});

test("the number that the page shows is typed on the phone, at last the right one", async (t) => {
  await world.configure(t, { pushNumberMatching: "required" }, { pushNumberMatching: "optional" });
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const watch = phone.start("watch", "--once");
  const { asked, idempotencyKey } = await world.ask(page, userId);
  await page.evaluate((number) => (document.querySelector("#number").textContent = number), asked.verificationCode);
  const number = await page.locator("#number").innerText();
  assert.match(number, /^\d{6}$/, "the SDK hands it through");
  await watch.see(/\[a\]pprove/);
  watch.type("a");
  await watch.see(/The number on the other screen: /);
  assert.ok(!watch.screen().includes(number), "only the page shows it");
  watch.type("what number?");
  await watch.see(/six digits.*\n.*other screen: /s);
  watch.type(number.replace(/.$/, (digit) => (Number(digit) + 1) % 10));
  await watch.see(/That is not the number.*\n.*other screen: /s);
  const { data } = await page.evaluate((value) => window.client.push.verify({ challengeId: value }), asked.challengeId);
  assert.deepEqual([data.isVerified, data.isConsumed], [false, false]);
  watch.type(`${number.slice(0, 3)} ${number.slice(3)}`);
  assert.match(await watch.end(), /Approved\./);
  const { token } = await world.pushIsOver(page, asked.challengeId);
  await assertSucceeded(token, userId, idempotencyKey);
  const { output } = await sdk.getAction({ userId, action, idempotencyKey });
  assert.deepEqual(output.approval, { numberMatching: true, signatureV2: true });
});

test("of two devices the one that was removed hears nothing, and the other approves", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone: dead } = await world.userWithPhone(t, page);
  const live = await world.phoneOf(t, page, userId);
  const watches = [dead.start("watch"), live.start("watch", "--once")];
  for (const watch of watches) await watch.see(/Waiting/);
  const { userAuthenticatorId } = JSON.parse(await dead.run(["devices", "--json"]));
  await sdk.deleteAuthenticator({ userId, userAuthenticatorId });
  assert.match(await watches[0].end(exits.forgotten), /was removed/);

  const { asked, idempotencyKey } = await world.ask(page, userId);
  await dead.run(["approve"], exits.forgotten);
  await watches[1].see(/\[a\]pprove/);
  watches[1].type("a");
  await watches[1].end();
  const { token } = await world.pushIsOver(page, asked.challengeId);
  await assertSucceeded(token, userId, idempotencyKey);
});

test("what is answered elsewhere while a person thinks is over on their screen", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const other = await world.phoneOf(t, page, userId);
  const watch = phone.start("watch", "--once");
  await watch.see(/Waiting/);
  const { asked } = await world.ask(page, userId);
  await watch.see(/\[a\]pprove/);
  await other.run(["approve"]);
  assert.match(await watch.end(exits.over), /It is over/);
  assert.equal((await world.pushIsOver(page, asked.challengeId)).isVerified, true);
});

test("a server that is away and a person who leaves are a line each", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  await world.ask(page, userId);
  const watch = phone.start("watch");
  await watch.see(/\[a\]pprove/);
  watch.closeInput();
  assert.match(await watch.end(exits.wrong), /no more input; it still waits/);
  assert.match(await phone.run(["approve"]), /Approved\./);

  const { token } = await world.track(userId, { scope: "add:authenticators" });
  const nobody = "http://127.0.0.1:1/v1"; // Reserved (tcpmux); nothing listens there.
  assert.match(await phone.run(["enroll", token, "--api", nobody], exits.unreachable), /cannot be reached/);
  assert.match(await phone.run(["enroll", "rubbish!"], exits.wrong), /no otpauth address/);
  assert.equal((await sdk.getAuthenticators({ userId })).length, 1);
});

test("a phone moves to a new push token, and goes", async (t) => {
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const results = async () => (await world.ask(page, userId)).asked.deliveryResults;
  assert.equal((await results())[0].errorCode, "device_unreachable");
  assert.match(await phone.run(["update", "--push-token", "new"]), /new push token/);
  assert.equal((await results())[0].errorCode, undefined);
  assert.match(await phone.run(["remove"]), /Removed/);
  assert.deepEqual(await sdk.getAuthenticators({ userId }), []);
  await phone.run(["watch"], exits.wrong);
});

test("on a bad road an enrolment is finished by the next try, and a watch waits for the server", async (t) => {
  const page = await world.openPage(t);
  const road = await openRoad(t, world.server.api);
  const [phone, userId] = [newPhone(t, road.api), unique("grace")];
  const { token } = await world.track(userId);
  road.losesAnswers = 1;
  assert.match(await phone.run(["enroll", token], exits.unreachable), /cannot be reached/);
  assert.equal((await sdk.getAuthenticators({ userId })).length, 1, "it had got there");
  assert.match(await phone.run(["enroll", token]), /Enrolled for grace/);
  assert.equal((await sdk.getAuthenticators({ userId })).length, 1);

  const watch = phone.start("watch");
  await watch.see(/Waiting/);
  road.isClosed = true;
  await watch.see(/cannot be reached.*tried again/);
  const { asked } = await world.ask(page, userId);
  road.isClosed = false;
  await watch.see(/there again/);
  await watch.see(/\[a\]pprove/);
  road.isClosed = true;
  watch.type("a");
  await watch.see(/cannot be reached/);
  road.isClosed = false;
  await watch.see(/Is it you\?.*\[a\]pprove/s);
  watch.type("a");
  await watch.see(/Approved/);
  assert.equal((await world.pushIsOver(page, asked.challengeId)).isVerified, true);
});
