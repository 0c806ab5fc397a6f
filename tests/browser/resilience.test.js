// What people and networks do to a page: two tabs, the back button, reloads, double clicks, a slow line, no script, no time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../sdk/node/lib/server.js";
import { currentCode, previousCode, wrongCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { makePast, openSettings, pages, visitPage } from "./lib/pages.js";
import { openSite, stateOf } from "./lib/site.js";
import { acknowledge, attemptsLeft, chooseApp, field, problem, setUpApp, shownSecret, submit, type } from "./lib/user.js";

const site = await openSite();
const { sdk, shop } = site;
const isBack = (page) => page.waitForURL(`${shop.origin}/done?**`);
const past = await site.shortLived(undefined, async () => {
  const { userId, secret } = await site.withApp();
  return { ...(await site.track(userId)), secret };
});

test("two tabs: what the one has answered is answered in the other", async (t) => {
  const { userId, secret } = await site.withApp();
  const { url, token } = await site.track(userId);
  const first = await openPage(site.browser, t);
  const second = await first.context().newPage();
  for (const tab of [first, second]) await tab.goto(url);
  await type(first, await previousCode(secret));
  await isBack(first);
  await type(second, currentCode(secret));
  await second.locator('main[data-end="success"]').or(second.locator("h1", { hasText: "Welcome back" })).waitFor();
  assert.equal(await stateOf(site, token), "CHALLENGE_SUCCEEDED");
});

test("two tabs of a set-up show one secret, and enrol one app", async (t) => {
  const userId = unique("ada");
  const { url } = await site.track(userId);
  const first = await openPage(site.browser, t);
  const second = await first.context().newPage();
  await first.goto(url);
  await second.goto(url);
  const secret = await chooseApp(first);
  assert.equal(await chooseApp(second), secret);
  await type(first, await previousCode(secret));
  await acknowledge(first);
  await isBack(first);
  await type(second, currentCode(secret));
  await second.waitForLoadState();
  assert.equal((await sdk.getAuthenticators({ userId })).filter(({ verificationMethod }) => verificationMethod === "AUTHENTICATOR_APP").length, 1);
});

test("back after the success asks for nothing again", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await type(page, currentCode(secret));
  await isBack(page);
  await page.goBack();
  await page.locator('main[data-end="success"]').waitFor();
  assert.equal(await page.locator(field).count(), 0);
  await page.click("#continue");
  await isBack(page);
});

test("back after a wrong code leads to a page that can be answered", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await type(page, wrongCode(secret));
  await problem(page);
  await page.goBack();
  await page.locator(field).waitFor();
  await type(page, currentCode(secret));
  await isBack(page);
});

test("a reload of a refused answer guesses nothing, and asks no question of the browser", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await site.guess(userId, wrongCode(secret), 6);
  await page.goto((await site.track(userId)).url);
  await type(page, wrongCode(secret));
  const left = await attemptsLeft(page);
  for (let reloads = 0; reloads < 3; reloads += 1) {
    await page.reload();
    await page.locator(field).waitFor();
  }
  await type(page, wrongCode(secret));
  await page.locator("#problem", { hasText: `${left - 1} attempts are left` }).waitFor();
});

test("every page bears a reload", async (t) => {
  const made = await makePast(site, t);
  for (const entry of pages.filter(({ late }) => !late)) {
    await t.test(entry.name, async (t) => {
      const page = await openPage(site.browser, t);
      await visitPage(entry, { site, page, test: t, attributes: {}, past: made });
      const response = await page.reload();
      assert.ok([200, entry.status ?? 200].includes(response?.status() ?? 200), `${response?.status()}`);
      await page.locator("main h1").waitFor();
    });
  }
});

for (const javaScriptEnabled of [true, false]) {
  test(`a double click spends one guess${javaScriptEnabled ? "" : ", without script too"}`, async (t) => {
    const { userId, secret } = await site.withApp();
    const page = await openPage(site.browser, t, { javaScriptEnabled });
    await site.guess(userId, wrongCode(secret), 6);
    await page.goto((await site.track(userId)).url);
    const guess = async () => {
      await page.locator(field).evaluate((input, code) => (input.value = code), wrongCode(secret));
      await page.dblclick(submit);
      return attemptsLeft(page);
    };
    const first = await guess();
    const used = javaScriptEnabled ? first : undefined;
    if (used === undefined) {
      // The second of the two was answered: "sent already". A guess that counts says what is left.
      await type(page, wrongCode(secret));
      await page.locator("#problem", { hasText: "attempts are left" }).waitFor();
    }
    assert.equal(await budget(userId, secret), javaScriptEnabled ? 2 : 1);
  });
}

/** What is left after one more wrong guess, which another page makes. */
async function budget(userId, secret) {
  const { url } = await site.track(userId);
  const answer = await (await fetch(url)).text();
  const fields = Object.fromEntries([...answer.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const said = await fetch(`${site.server.origin}/challenge`, { method: "POST", body: new URLSearchParams({ ...fields, code: wrongCode(secret) }) });
  const [, left] = (await said.text()).match(/(\d+|One) attempts? (?:is|are) left/);
  return left === "One" ? 1 : Number(left);
}

test("a code pasted with spaces, or with a dash, is understood", async (t) => {
  for (const bend of [(code) => `${code.slice(0, 3)} ${code.slice(3)}`, (code) => ` ${code} `, (code) => code.split("").join(" ")]) {
    const { userId, secret } = await site.withApp();
    const page = await openPage(site.browser, t, { permissions: ["clipboard-read", "clipboard-write"] });
    await page.goto((await site.track(userId)).url);
    await page.locator(field).focus();
    await page.evaluate((text) => navigator.clipboard.writeText(text), bend(currentCode(secret)));
    await page.keyboard.press("Control+V");
    await isBack(page);
  }
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t, { javaScriptEnabled: false });
  await page.goto((await site.track(userId)).url);
  const code = currentCode(secret);
  await type(page, `${code.slice(0, 3)} ${code.slice(3)}`);
  await isBack(page);
});

test("a wrong code says what to look at: the next code, the clock, and how many attempts are left", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await type(page, wrongCode(secret));
  const first = await problem(page);
  assert.match(first, /not right/);
  assert.doesNotMatch(first, /clock|left/, "a first slip frightens nobody");
  await site.guess(userId, wrongCode(secret), 5);
  await type(page, wrongCode(secret));
  await page.locator("#problem", { hasText: "3 attempts are left" }).waitFor();
  assert.match(await problem(page), /clock/);
});

test("locked out, the page says for how long, and even the right code waits", async (t) => {
  const { userId, secret } = await site.withApp();
  const { url, token } = await site.track(userId);
  await site.spendGuesses(token, wrongCode(secret));
  const page = await openPage(site.browser, t);
  await page.goto(url);
  await page.locator("#locked").waitFor();
  assert.equal(await page.locator("form").count(), 0, "no dead form");
  const shown = async () => (await page.locator("#countdown").innerText()).split(":").reduce((minutes, seconds) => 60 * minutes + Number(seconds), 0);
  const before = await shown();
  assert.ok(before > 200 && before <= 300, `${before} seconds`);
  await until("the time runs down", async () => (await shown()) < before);
  assert.equal(await stateOf(site, token), "CHALLENGE_REQUIRED");
});

test("a slow line: the journey is the same, only longer", async (t) => {
  const userId = unique("ada");
  const page = await openPage(site.browser, t);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 600, downloadThroughput: 50_000, uploadThroughput: 20_000 });
  await page.goto((await site.track(userId)).url);
  const { secret } = await setUpApp(page, { code: previousCode });
  await isBack(page);
  await page.goto((await site.track(userId)).url);
  await type(page, currentCode(secret));
  // Impatience: the form was sent at the sixth digit.
  await page.click(submit, { timeout: 2_000 }).catch(() => {});
  await isBack(page);
  assert.equal(await stateOf(site, new URL(page.url()).searchParams.get("token")), "CHALLENGE_SUCCEEDED");
});

test("the first paint does not wait for a script", async (t) => {
  const { userId } = await site.withApp();
  const page = await openPage(site.browser, t);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route("**/assets/*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto((await site.track(userId)).url, { waitUntil: "commit" });
  await until("something is painted", () => page.evaluate(() => performance.getEntriesByType("paint").length > 0));
  await page.locator(field).waitFor();
  assert.notEqual(await page.locator("main").evaluate((element) => getComputedStyle(element).fontFamily), "Times New Roman");
  release();
});

test("no script at all: set-up, challenge, another way, quitting, settings", async (t) => {
  const page = await openPage(site.browser, t, { javaScriptEnabled: false });
  const { userId, secret, codes } = await openSettings({ site, page, test: t }, { name: "Plain" });
  await page.locator("article.authenticator summary").first().click();
  await page.locator('article.authenticator input[name="name"]').first().fill("Plainer");
  await page.locator('article.authenticator details button[type="submit"]').first().click();
  await page.locator("#done", { hasText: "Plainer" }).waitFor();
  await page.goto((await site.track(userId)).url);
  await page.click("a#way-recovery");
  await page.fill("#recovery-code", codes[0]);
  await page.click('form:has(#recovery-code) button[type="submit"]');
  await page.click("#leave");
  await isBack(page);
  await page.goto((await site.track(userId)).url);
  await page.click("a.quit");
  await isBack(page);
  assert.ok(secret);
});

test("no script: a push is asked for, its page comes again by itself, and goes on after the approval", async (t) => {
  const { userId, phone } = await site.withPhone(t);
  const page = await openPage(site.browser, t, { javaScriptEnabled: false });
  await page.goto((await site.track(userId)).url);
  await page.click('form button[type="submit"]');
  await page.locator("#number").waitFor();
  const number = (await page.locator("#number").innerText()).replace(/\s/g, "");
  await phone.run(["approve", "--number", number]);
  await isBack(page);
});

test("a set-up survives a reload half-way, with its secret", async (t) => {
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(unique("ada"))).url);
  const secret = await chooseApp(page);
  await page.reload();
  assert.equal(await shownSecret(page), secret);
  await type(page, currentCode(secret));
  await acknowledge(page);
  await isBack(page);
});

test("a session that expires mid-way says so, and leads back to the app", async (t) => {
  const page = await openPage(site.browser, t);
  await page.goto(past.url);
  // It may be over before this test has its turn; the page is the same.
  const isOpen = (await page.locator(field).count()) === 1;
  await past.over(past.token);
  if (isOpen) await type(page, currentCode(past.secret));
  await page.locator('main[data-end="expired"]').waitFor();
  await page.click("#continue");
  await isBack(page);
  assert.equal((await sdk.validateChallenge({ token: new URL(page.url()).searchParams.get("token") })).isValid, false);
});
