// Set-up: choosing, an app by its QR code and first code, a phone by scanning the page, and what policy demands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../sdk/node/lib/server.js";
import { currentCode, previousCode, wrongCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { scan } from "./lib/qr.js";
import { openSite, stateOf } from "./lib/site.js";
import { acknowledge, chooseApp, field, problem, readRecoveryCodes, setUpApp, shownSecret, type } from "./lib/user.js";

const site = await openSite();
const { sdk, shop } = site;
const isBack = (page) => page.waitForURL(`${shop.origin}/done?**`);
const setUpAt = (url) => url.replace("/challenge?", "/set-up?");
const returned = (page) => new URL(page.url()).searchParams.get("token");

test("a new user scans, names the device, keeps the codes and is back with a success", async (t) => {
  const userId = unique("ada");
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  const { codes } = await setUpApp(page, { name: "Ada's phone" });
  assert.equal(codes.length, 10);
  assert.equal(new Set(codes).size, 10);
  await isBack(page);
  assert.equal(await stateOf(site, returned(page)), "CHALLENGE_SUCCEEDED");
  const [app] = (await sdk.getAuthenticators({ userId })).filter(({ verificationMethod }) => verificationMethod === "AUTHENTICATOR_APP");
  assert.equal(app.displayName, "Ada's phone");
  assert.deepEqual(page.problems, []);
});

test("the page names the apps, says the key in letters, and opens an app that is on the same phone", async (t) => {
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(unique("ada"))).url);
  const secret = await chooseApp(page);
  const text = await page.locator("main").innerText();
  for (const name of ["Google Authenticator", "Microsoft Authenticator", "FreeOTP"]) assert.ok(text.includes(name), name);
  const link = new URL(await page.locator('a[href^="otpauth:"]:visible').getAttribute("href"));
  assert.equal(link.searchParams.get("secret"), secret);
  assert.equal(await page.getAttribute(field, "autocomplete"), "one-time-code");
  assert.equal(await page.getAttribute(field, "inputmode"), "numeric");
});

test("another way is one tap away, and the way back too", async (t) => {
  const page = await openPage(site.browser, t);
  await page.goto(setUpAt((await site.track(unique("ada"))).url));
  await page.click("a#choose-phone");
  await page.locator("#live").waitFor();
  await page.click("a#other");
  await page.click("a#choose-app");
  await page.locator("#secret").waitFor();
  await page.click("a#other");
  await page.locator("a#choose-phone").waitFor();
});

test("a wrong first code keeps the secret and the name, and enrols nothing", async (t) => {
  const userId = unique("ada");
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  const secret = await chooseApp(page);
  await page.fill("input#name", "Work");
  await type(page, wrongCode(secret));
  assert.match(await problem(page), /not right/);
  assert.equal(await shownSecret(page), secret);
  assert.equal(await page.inputValue("input#name"), "Work");
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
  await type(page, currentCode(secret));
  await acknowledge(page);
  await isBack(page);
});

/** A phone that has scanned the page and waits; its number, and the process. */
async function scanned(t, page, url, options = []) {
  await page.goto(`${setUpAt(url)}&kind=phone`);
  await page.locator("#qr svg").waitFor();
  const phone = site.newPhone(t);
  const enrolling = phone.start("enroll", phone.file("page.png", await page.screenshot({ fullPage: true })), ...options);
  const [number] = await enrolling.see(/\d{3} \d{3}/);
  return { phone, enrolling, number };
}

test("a phone scans the page, which asks whose it is, and goes on to the recovery codes", async (t) => {
  const userId = unique("grace");
  const page = await openPage(site.browser, t);
  const { url } = await site.track(userId);
  const { phone, enrolling, number } = await scanned(t, page, url, ["--name", "Grace's phone"]);
  await page.locator("button#yes").waitFor();
  assert.equal(await page.locator("#number").innerText(), number, "both show the same number");
  assert.match(await page.locator("#device").innerText(), /Grace's phone[\s\S]*countersign-phone[\s\S]*Android/);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false, "it waits");
  await page.click("button#yes");
  await page.locator('input[name="act"][value="paired"] ~ button').click();
  assert.equal((await readRecoveryCodes(page)).length, 10);
  await acknowledge(page);
  await isBack(page);
  assert.match(await enrolling.end(), new RegExp(`Enrolled for ${userId}`));
  const devices = await sdk.getAuthenticators({ userId });
  assert.ok(devices.some(({ verificationMethod }) => verificationMethod === "PUSH"));
  assert.match(await phone.run(["devices"]), /not used yet/);
  assert.deepEqual(page.problems, []);
});

test("a phone that is not the user's is refused, and is told so", async (t) => {
  const userId = unique("grace");
  const page = await openPage(site.browser, t);
  const { phone, enrolling } = await scanned(t, page, (await site.track(userId)).url);
  const first = page.url();
  await page.click("button#no");
  assert.match(await problem(page), /not paired/);
  assert.notEqual(page.url(), first);
  assert.match(await enrolling.end(5), /not its phone/);
  await phone.run(["devices"], 1);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
});

test("what the phone scans is a link of its own, and a browser that opens it is told what it is for", async (t) => {
  const { url } = await site.track(unique("grace"));
  const page = await openPage(site.browser, t);
  await page.goto(`${setUpAt(url)}&kind=phone`);
  await page.locator("#qr svg").waitFor();
  const link = await scan(page);
  assert.equal(link, await page.locator("#link").getAttribute("href"));
  assert.match(new URL(link).pathname, /^\/pair\/[^/]+\/[\w-]{22}$/);
  assert.equal(new URL(link).search, "");
  const opened = await openPage(site.browser, t);
  await opened.goto(link);
  assert.match(await opened.locator("h1").innerText(), /for an app/);
  // Nothing was spent by the look.
  const enrolling = site.newPhone(t).start("enroll", link);
  await enrolling.see(/\d{3} \d{3}/);
  await page.locator("button#yes").waitFor();
  const second = site.newPhone(t);
  assert.match(await second.run(["enroll", link], 5), /over/);
});

test("without script a phone is paired as well, and by keyboard alone", async (t) => {
  const userId = unique("grace");
  const page = await openPage(site.browser, t, { javaScriptEnabled: false });
  const { enrolling } = await scanned(t, page, (await site.track(userId)).url);
  await page.locator("button#yes").waitFor();
  await page.locator("button#yes").press("Enter");
  await page.locator('input[name="act"][value="paired"] ~ button').press("Enter");
  assert.equal((await readRecoveryCodes(page)).length, 10);
  await enrolling.end();
});

test("leaving the question pairs nothing", async (t) => {
  const userId = unique("grace");
  const page = await openPage(site.browser, t);
  await scanned(t, page, (await site.track(userId)).url);
  await page.locator("button#yes").waitFor();
  await page.locator("a.quit").last().click();
  await isBack(page);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
});

test("recovery codes: shown once, copied, downloaded and printed; nothing goes on without the acknowledgement", async (t) => {
  const page = await openPage(site.browser, t, { permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true });
  await page.addInitScript(() => (window.print = () => (window.printed = true)));
  await page.goto((await site.track(unique("ada"))).url);
  await type(page, await previousCode(await chooseApp(page)));
  const codes = await readRecoveryCodes(page);

  await page.click("#copy");
  await page.locator('[role="status"]', { hasText: /\S/ }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), codes.join("\n"));
  const downloading = page.waitForEvent("download");
  await page.click("#download");
  const download = await downloading;
  assert.match(download.suggestedFilename(), /\.txt$/);
  const { readFile } = await import("node:fs/promises");
  const [of, ...kept] = (await readFile(await download.path(), "utf8")).trim().split(/\n+/);
  assert.match(of, /^Countersign · \d{4}-\d{2}-\d{2}$/, "the file says whose and of when the codes are");
  assert.deepEqual(kept, codes);
  await page.click("#print");
  assert.equal(await page.evaluate(() => window.printed), true);

  await page.click('form:has(#kept) button[type="submit"]');
  assert.ok(await page.locator("#kept:invalid").count(), "the browser asks for the tick");
  const address = page.url();
  assert.ok(!codes.some((code) => address.includes(code)));
  await acknowledge(page);
  await isBack(page);
  // Chromium keeps no answer of a form that may not be stored: it asks before it sends the form again.
  await page.goBack().catch(() => undefined);
  const seen = await page.content().catch(() => "");
  for (const code of codes) assert.ok(!seen.includes(code), "a code is shown a second time");
  assert.deepEqual(page.problems, []);
});

test("without script the copying buttons are not there, and the codes are", async (t) => {
  const page = await openPage(site.browser, t, { javaScriptEnabled: false });
  await page.goto((await site.track(unique("ada"))).url);
  await type(page, currentCode(await chooseApp(page)));
  assert.equal((await readRecoveryCodes(page)).length, 10);
  for (const id of ["#copy", "#download", "#print"]) assert.equal(await page.locator(id).isVisible(), false, id);
  await acknowledge(page);
  await isBack(page);
});

test("leaving a set-up enrols nothing", async (t) => {
  const userId = unique("ada");
  const page = await openPage(site.browser, t);
  const { url, token } = await site.track(userId);
  await page.goto(url);
  await chooseApp(page);
  await page.locator("a.quit", { hasNot: page.locator("#other") }).last().click();
  await isBack(page);
  assert.equal(returned(page), token);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);
});

test("a required action leads somebody with a phone to an app, and says so", async (t) => {
  await site.manage("PATCH", "/required-actions/AUTHENTICATOR_APPLICATION_SETUP", { enabled: true, default: true });
  t.after(() => site.manage("PATCH", "/required-actions/AUTHENTICATOR_APPLICATION_SETUP", { enabled: false, default: false }));
  const userId = unique("grace");
  const page = await openPage(site.browser, t);
  const { url } = await site.track(userId);
  await page.goto(url);
  assert.match(await page.locator("#why").innerText(), /authenticator app/);
  await setUpApp(page);
  await isBack(page);
});

// The last: enforcement is never turned off again.
test("where policy requires it, set-up is the way through, and the page says why", async (t) => {
  const userId = unique("ada");
  await site.manage("POST", "/two-factor-enforcement", { confirmation: "Enforce 2FA", by: "the tests" });
  const page = await openPage(site.browser, t);
  const { url, state, token } = await site.track(userId);
  assert.equal(state, "CHALLENGE_REQUIRED");
  await page.goto(url);
  assert.match(await page.locator("#why").innerText(), /asks everybody for a second step/);
  await page.locator("a.quit").last().click();
  await isBack(page);
  assert.equal(await stateOf(site, token), "CHALLENGE_REQUIRED");
  await page.goto(url);
  await setUpApp(page);
  await isBack(page);
  await until("the action has succeeded", async () => (await stateOf(site, returned(page))) === "CHALLENGE_SUCCEEDED");
});
