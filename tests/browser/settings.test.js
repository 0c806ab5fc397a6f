// The page on which users manage what they have set up (`redirectToSettings`).
import assert from "node:assert/strict";
import { test } from "node:test";
import { secretKey, until } from "../sdk/node/lib/server.js";
import { currentCode, previousCode } from "../sdk/node/lib/totp.js";
import { basic, call, unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { openSettings } from "./lib/pages.js";
import { openSite } from "./lib/site.js";
import { acknowledge, field, openMenu, problem, readRecoveryCodes, setUpApp, type } from "./lib/user.js";

const site = await openSite();
const { sdk, shop } = site;
const isBack = (page) => page.waitForURL(`${shop.origin}/done?**`);
const cards = (page) => page.locator("article.authenticator");
const card = (page, name) => cards(page).filter({ has: page.locator("h3", { hasText: name }) });
const done = async (page) => {
  await page.locator("#done").waitFor();
  return page.locator("#done").innerText();
};
const names = async (page) => (await cards(page).locator("h3").allInnerTexts()).sort();
const settings = async (page, t, userId, secret) => {
  await page.goto((await site.track(userId, { redirectToSettings: true })).url);
  await type(page, currentCode(secret));
  await cards(page).first().waitFor();
};

test("an enrolled user comes to the settings through a challenge, and goes back to the app", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  const { url } = await site.track(userId, { redirectToSettings: true });
  await page.goto(url.replace("/challenge?", "/settings?"));
  await page.locator(field).waitFor();
  assert.equal(await cards(page).count(), 0, "nothing is shown before the challenge");
  await type(page, currentCode(secret));
  await cards(page).first().waitFor();
  await page.click("#back");
  await isBack(page);
  assert.deepEqual(page.problems, []);
});

test("a card says name, model, platform, when it was added and when it was last used", async (t) => {
  const page = await openPage(site.browser, t);
  await openSettings({ site, page, test: t }, { withPhone: true, name: "Tablet" });
  assert.deepEqual(await names(page), ["Ada's phone", "Tablet"]);
  const phone = await card(page, "Ada's phone").innerText();
  assert.match(phone, /Android/i);
  assert.match(phone, /Added/);
  assert.match(phone, /Never used|Last used/);
  for (const one of await cards(page).all()) assert.ok((await one.locator("time[datetime]").count()) >= 1);
  assert.match(await page.locator("#activity").innerText(), /Tablet was added/);
});

test("renaming shows at once, and says so", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { name: "Old" });
  await openMenu(card(page, "Old"));
  await card(page, "Old").locator('input[name="name"]').fill("  Pocket phone ");
  await card(page, "Old").locator('details button[type="submit"]').first().click();
  assert.match(await done(page), /Pocket phone/);
  assert.deepEqual(await names(page), ["Pocket phone"]);
  assert.deepEqual((await sdk.getAuthenticators({ userId })).map(({ displayName }) => displayName), ["Pocket phone"]);
  await page.reload();
  assert.deepEqual(await names(page), ["Pocket phone"]);
});

test("what becomes primary is asked first, and the page names it", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { withPhone: true, name: "Tablet" });
  const before = await cards(page).filter({ has: page.locator(".badge") }).locator("h3").innerText();
  const other = before === "Tablet" ? "Ada's phone" : "Tablet";
  assert.equal(await card(page, before).locator(".make-primary").count(), 0);
  await openMenu(card(page, other));
  await card(page, other).locator(".make-primary").click();
  await done(page);
  assert.equal(await cards(page).filter({ has: page.locator(".badge") }).locator("h3").innerText(), other);
  await page.locator("#primary").waitFor();
  await page.goto((await site.track(userId)).url);
  const isApp = (await page.locator(field).count()) === 1;
  assert.equal(isApp, other === "Tablet");
});

test("removing asks first; staying changes nothing; then it is gone, and says so", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { withPhone: true, name: "Tablet" });
  await openMenu(card(page, "Ada's phone"));
  await card(page, "Ada's phone").locator("a.remove").click();
  const dialog = page.locator("dialog#confirm");
  assert.match(await dialog.innerText(), /Ada's phone/);
  await dialog.locator("a").click();
  await dialog.waitFor({ state: "detached" });
  assert.equal((await names(page)).length, 2);
  await openMenu(card(page, "Ada's phone"));
  await card(page, "Ada's phone").locator("a.remove").click();
  await dialog.locator('button[type="submit"]').click();
  assert.match(await done(page), /Ada's phone was removed/);
  assert.deepEqual(await names(page), ["Tablet"]);
  assert.equal((await sdk.getAuthenticators({ userId })).filter(({ verificationMethod }) => verificationMethod === "PUSH").length, 0);
  assert.match(await page.locator("#activity").innerText(), /Ada's phone was removed/);
});

test("the last one may go where nothing enforces it, and the page says what that means", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { name: "Only" });
  await openMenu(card(page, "Only"));
  await card(page, "Only").locator("a.remove").click();
  await page.locator('dialog#confirm button[type="submit"]').click();
  await done(page);
  await page.locator("#none").waitFor();
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
});

test("one more app is set up from the settings, and leads back to them", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { name: "First" });
  await page.click("a#new");
  await page.click("a#choose-app");
  await page.fill("input#name", "Second");
  const secret = (await page.locator("#secret").innerText()).replace(/\s/g, "");
  await type(page, currentCode(secret));
  await card(page, "Second").waitFor();
  assert.deepEqual(await names(page), ["First", "Second"]);
  assert.equal((await sdk.getAuthenticators({ userId })).length >= 2, true);
});

test("new recovery codes take the place of the old", async (t) => {
  const page = await openPage(site.browser, t);
  const { userId, codes: old } = await openSettings({ site, page, test: t });
  assert.match(await page.locator("#codes-left").innerText(), /10/);
  await page.click("#new-codes");
  const codes = await readRecoveryCodes(page);
  assert.equal(codes.length, 10);
  assert.ok(!codes.some((code) => old.includes(code)));
  await acknowledge(page);
  await cards(page).first().waitFor();

  const { url } = await site.track(userId);
  await page.goto(`${url}&way=recovery`);
  await page.fill("#recovery-code", old[0]);
  await page.click('form:has(#recovery-code) button[type="submit"]');
  assert.match(await problem(page), /not right/);
  await page.fill("#recovery-code", codes[0]);
  await page.click('form:has(#recovery-code) button[type="submit"]');
  // A recovery code may mean that the phone is lost.
  await page.click("#leave");
  await isBack(page);
});

test("a remembered device is listed, and forgotten", async (t) => {
  await site.configure(t, {});
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  const deviceId = unique("laptop");
  // What is told of devices is kept where rules may ask for it.
  const action = await site.actionThatIs("CHALLENGE");
  const conditions = { "==": [{ var: "device.isNew" }, false] };
  await site.manage("POST", `/action-configurations/${action}/rules`, { name: "Known", isActive: true, priority: 0, type: "CHALLENGE", conditions });
  await until("the rule is known to all", async () => (await site.track(userId, { deviceId }, action)).ruleIds, 60);
  await page.goto((await site.track(userId, { deviceId }, action)).url);
  await type(page, await previousCode(secret));
  await isBack(page);
  const rememberedUntil = new Date(Date.now() + 86_400_000).toISOString();
  const path = `${site.server.api}/users/${userId}/devices/${deviceId}`;
  const { status } = await call(path, { method: "PATCH", authorization: basic(secretKey), body: { rememberedUntil } });
  assert.equal(status, 200);
  await settings(page, t, userId, secret);
  const row = page.locator("#devices li", { hasText: deviceId });
  await row.waitFor();
  await row.locator('button[type="submit"]').click();
  await done(page);
  assert.equal(await page.locator("#devices li", { hasText: deviceId }).count(), 0);
});

test("a change tells the user's other devices, and is an event in the log", async (t) => {
  const page = await openPage(site.browser, t);
  await openSettings({ site, page, test: t }, { withPhone: true, name: "Tablet" });
  await openMenu(card(page, "Tablet"));
  await card(page, "Tablet").locator('input[name="name"]').fill("Slate");
  await card(page, "Tablet").locator('details button[type="submit"]').first().click();
  await done(page);
  await until("the log has the change", () => /Slate|renamed/i.test(site.server.log()));
});

test("the settings of a token that proved nothing change nothing", async (t) => {
  const { userId } = await site.withApp();
  const { url } = await site.track(userId, { redirectToSettings: true });
  const page = await openPage(site.browser, t);
  await page.goto(url);
  const [token, seal] = await Promise.all(["token", "seal"].map((name) => page.inputValue(`input[name="${name}"]`)));
  const [{ userAuthenticatorId: id }] = await sdk.getAuthenticators({ userId });
  for (const fields of [{ act: "remove", id }, { act: "rename", id, name: "Hacked" }, { act: "codes" }, { act: "primary", id }]) {
    const answer = await fetch(`${site.server.origin}/settings`, { method: "POST", body: new URLSearchParams({ token, seal, ...fields }), redirect: "manual" });
    const text = await answer.text();
    assert.ok(!text.includes('id="codes"') && !text.includes('id="done"'), `${fields.act}: ${answer.status}`);
  }
  const [authenticator] = await sdk.getAuthenticators({ userId });
  assert.notEqual(authenticator.displayName, "Hacked");
});

// The last: enforcement is never turned off again.
test("under enforcement the last one stays, and the page says why", async (t) => {
  await site.manage("POST", "/two-factor-enforcement", { confirmation: "Enforce 2FA", by: "the tests" });
  const page = await openPage(site.browser, t);
  const { userId } = await openSettings({ site, page, test: t }, { name: "Only" });
  await openMenu(card(page, "Only"));
  await card(page, "Only").locator("a.remove").click();
  assert.match(await page.locator("dialog#confirm").innerText(), /last one/);
  assert.equal(await page.locator('dialog#confirm button[type="submit"]').count(), 0);
  assert.deepEqual(await names(page), ["Only"]);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);
});
