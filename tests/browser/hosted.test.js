// The hosted page, opened at the `url` that track gives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { importApp, sdkFor } from "../sdk/node/lib/sdk.js";
import { serve, tenantId } from "../sdk/node/lib/server.js";
import { currentCode, previousCode, wrongCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openBrowser, openPage } from "./lib/chromium.js";
import { scan } from "./lib/qr.js";
import { openShop } from "./lib/shop.js";
import { type } from "./lib/user.js";

const server = await serve();
const shop = await openShop();
const browser = await openBrowser();
const sdk = sdkFor(server);
const action = "sign-in";
const field = 'input[name="code"]';
const submit = `form:has(${field}) button[type="submit"]`;

const track = (userId) => sdk.track({ userId, action, attributes: { redirectUrl: shop.redirectUrl } });

const answer = type;

/** The page is back at the shop, with a token that validates. */
async function assertReturned(page, userId) {
  await page.locator('#kept, h1:text-is("Welcome back")').first().waitFor();
  if (await page.locator("#kept").count()) {
    // The first set-up: recovery codes come before the way back.
    await page.locator("#kept").focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
  }
  await page.waitForURL(`${shop.origin}/done?**`);
  const query = new URL(page.url()).searchParams;
  assert.equal(query.get("order"), "42", "the shop's own query is kept");
  assert.equal(query.getAll("token").length, 1);
  const validated = await sdk.validateChallenge({ token: query.get("token"), userId, action });
  assert.equal(validated.isValid, true);
  assert.equal(validated.state, "CHALLENGE_SUCCEEDED");
}

/** The page refuses the answer: it says so, and can be answered again. */
async function assertRefused(page) {
  await page.locator('[role="alert"]', { hasText: /\S/ }).waitFor();
  assert.equal(new URL(page.url()).origin, server.origin);
  assert.equal(await page.locator(field).count(), 1);
}

const shownSecret = async (page) => (await page.locator("#secret").innerText()).replace(/\s/g, "");

/** Everything the console calls an error, but for its note that a refused answer had a status of 4xx. */
const problems = (page) => page.problems.filter((text) => !/^Failed to load resource: .* status of 4\d\d .*\(http:\/\/127/.test(text));

test("a new user scans the QR code, types the first code and is back at the shop", async (t) => {
  const userId = unique("ada");
  const page = await openPage(browser, t);
  await page.goto((await track(userId)).url);
  assert.equal(await page.locator("#qr svg").count(), 1);
  assert.equal(await page.getAttribute(field, "autocomplete"), "one-time-code");

  const scanned = new URL(await scan(page));
  const secret = await shownSecret(page);
  assert.equal(scanned.protocol, "otpauth:");
  assert.equal(scanned.host, "totp");
  assert.equal(scanned.searchParams.get("secret"), secret);

  await answer(page, currentCode(secret));
  await assertReturned(page, userId);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, true);
  assert.deepEqual(page.problems, []);
});

test("reloading the set-up page and a wrong first code keep the secret", async (t) => {
  const userId = unique("ada");
  const page = await openPage(browser, t);
  await page.goto((await track(userId)).url);
  const [secret, scanned] = [await shownSecret(page), await scan(page)];
  await page.reload();
  assert.equal(await shownSecret(page), secret);
  assert.equal(await scan(page), scanned);

  await answer(page, wrongCode(secret));
  await assertRefused(page);
  assert.equal(await shownSecret(page), secret);
  assert.equal((await sdk.getUser({ userId })).isEnrolled, false);

  await answer(page, currentCode(secret));
  await assertReturned(page, userId);
  assert.deepEqual(problems(page), []);
});

test("an enrolled user, sent by the shop's SDK, is asked for a code until it is right", async (t) => {
  const userId = unique("ada");
  const { secret } = await importApp(sdk, userId);
  const { url, token } = await track(userId);
  const page = await openPage(browser, t);
  await page.goto(shop.origin);
  await page.evaluate(({ options, url }) => new window.authsignal.Authsignal(options).launch(url), {
    options: { baseUrl: server.api, tenantId },
    url,
  });
  await page.locator(field).waitFor();
  assert.equal(new URL(page.url()).origin, server.origin);
  assert.equal(await page.locator("#qr, #secret").count(), 0, "the secret of an enrolled app is not shown");
  assert.equal(await page.getAttribute(field, "autocomplete"), "one-time-code");

  await answer(page, wrongCode(secret));
  await assertRefused(page);
  assert.equal((await sdk.validateChallenge({ token })).state, "CHALLENGE_REQUIRED");

  await answer(page, currentCode(secret));
  await assertReturned(page, userId);
  assert.deepEqual(problems(page), []);
});

test("set-up and challenge work without JavaScript", async (t) => {
  const userId = unique("ada");
  const page = await openPage(browser, t, { javaScriptEnabled: false });
  await page.goto((await track(userId)).url);
  const secret = await shownSecret(page);
  assert.equal(new URL(await scan(page)).searchParams.get("secret"), secret);
  await answer(page, await previousCode(secret));
  await assertReturned(page, userId);

  await page.goto((await track(userId)).url);
  await answer(page, wrongCode(secret));
  await assertRefused(page);
  await answer(page, currentCode(secret));
  await assertReturned(page, userId);
  assert.deepEqual(problems(page), []);
});

test("set-up and challenge work by keyboard alone", async (t) => {
  const userId = unique("ada");
  const page = await openPage(browser, t);
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 20; presses += 1) {
      if (await page.locator(selector).evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`20 tabs do not reach ${selector}`);
  };

  await page.goto((await track(userId)).url);
  const secret = await shownSecret(page);
  await tabTo(field);
  await page.keyboard.type(await previousCode(secret));
  await tabTo(submit);
  await page.keyboard.press("Enter");
  await assertReturned(page, userId);

  await page.goto((await track(userId)).url);
  await tabTo(field);
  await page.keyboard.type(currentCode(secret)); // The sixth digit sends it.
  await assertReturned(page, userId);
});

test("every answer of the page carries the headers that keep the token in and scripts out", async (t) => {
  const userId = unique("ada");
  const page = await openPage(browser, t);
  const answers = [];
  page.on("response", (response) => {
    if (response.request().isNavigationRequest() && response.url().startsWith(server.origin)) answers.push(response);
  });
  await page.goto((await track(userId)).url);
  const secret = await shownSecret(page);
  await answer(page, wrongCode(secret));
  await assertRefused(page);
  await answer(page, currentCode(secret));
  await assertReturned(page, userId);

  assert.ok(answers.length >= 3, "the page, the refused answer and the accepted one");
  for (const response of answers) {
    const headers = response.headers();
    const seen = `${response.request().method()} ${response.status()} ${JSON.stringify(headers)}`;
    assert.equal(headers["referrer-policy"], "no-referrer", seen);
    assert.equal(headers["x-content-type-options"], "nosniff", seen);
    assert.match(headers["cache-control"] ?? "", /\bno-store\b/, seen);
    if (headers["content-type"]?.startsWith("text/html")) assertNoInlineScripts(headers["content-security-policy"], seen);
  }
});

function assertNoInlineScripts(policy, seen) {
  assert.ok(policy, `a Content-Security-Policy: ${seen}`);
  const directives = new Map(policy.split(";").map((directive) => directive.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
  for (const name of ["script-src-elem", "script-src-attr"]) {
    const sources = directives.get(name) ?? directives.get("script-src") ?? directives.get("default-src");
    assert.ok(sources, `${name} is limited: ${policy}`);
    for (const unsafe of ["'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:"]) {
      assert.ok(!sources.includes(unsafe), `${name} without ${unsafe}: ${policy}`);
    }
  }
}
