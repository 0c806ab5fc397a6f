// The demo at /demo, as a newcomer meets it: a shop, the calls of its backend, and a phone in the browser.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { serve, until } from "../sdk/node/lib/server.js";
import { currentCode, previousCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openBrowser, openPage } from "./lib/chromium.js";
import { field, setUpApp, type } from "./lib/user.js";

const server = await serve();
const browser = await openBrowser();
const demo = `${server.origin}/demo`;
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const button = (page, name) => page.locator("#shop").getByRole("button", { name, exact: true });
const says = (page, text) => page.locator('.notice.good[role="status"]', { hasText: text }).waitFor();
const refuses = (page, text) => page.locator('.notice.bad[role="alert"]', { hasText: text }).waitFor();
const isAtShop = (page) => page.waitForURL(demo);
const hosted = (page) => page.frameLocator("#hosted");

async function signIn(page, name) {
  await page.goto(demo);
  await page.getByLabel("Your name").fill(name);
  await button(page, "Sign in").click();
}

/** The hosted page asks the phone, by itself or by its button; the number that it shows. */
async function asksThePhone(page) {
  const number = hosted(page).locator("#number");
  const ask = hosted(page).locator('form:has(input[name="way"][value="phone"]) button:not(.second)');
  await until("the hosted page shows a number", async () => {
    if (!(await number.isVisible()) && (await ask.isVisible())) await ask.click({ timeout: 500 }).catch(() => {});
    return number.isVisible();
  });
  return number.innerText();
}

const calls = (page) => page.locator("#calls article h3").allInnerTexts();

/** From the first visit to a phone that confirms. */
async function withPhone(page, name) {
  await signIn(page, name);
  await button(page, "Use the phone on this page").click();
  await says(page, "Two-step verification is on");
  await page.locator('#phone[data-state="ready"]').waitFor();
}

test("the whole minute without a phone in the hand: sign in, set up, pay, confirm, be refused", async (t) => {
  const name = unique("ada");
  const page = await openPage(browser, t);
  const began = Date.now();
  await withPhone(page, name);

  await button(page, "Add Kettle to the cart").click();
  await button(page, "Pay").click();
  await says(page, "Paid: 45 €");
  assert.match((await calls(page))[0], /POST \/v1\/users\/.*\/actions\/pay\s*ALLOW/);

  await button(page, "Add Espresso machine to the cart").click();
  await button(page, "Pay").click();
  const number = await asksThePhone(page);
  assert.match(number, /^\d{3}\s\d{3}$/, "as people read it");
  const phone = page.locator("#phone");
  await phone.getByRole("heading", { name: "Pay 480 €?" }).waitFor();
  assert.ok(!(await phone.innerText()).includes(number), "only the other screen shows it");
  await phone.getByLabel("Number on the other screen").fill("12");
  await phone.getByRole("button", { name: "Approve" }).click();
  await phone.getByRole("alert").filter({ hasText: "six digits" }).waitFor();
  await phone.getByLabel("Number on the other screen").fill(number);
  await phone.getByRole("button", { name: "Approve" }).click();
  await says(page, "Paid: 480 €");
  assert.ok(Date.now() - began < 60_000, "it takes less than a minute");

  // What happened, as calls: newest first.
  const lines = (await calls(page)).join("\n");
  assert.match(lines, /validate\s*CHALLENGE_SUCCEEDED[^]*APPROVED[^]*PENDING[^]*the browser opens url[^]*actions\/pay\s*CHALLENGE_REQUIRED/);
  const decided = page.locator("article", { hasText: "CHALLENGE_REQUIRED" }).first();
  assert.match(await decided.innerText(), /The rule “Payments over 100 €” decided/);
  await decided.getByText("curl", { exact: true }).click();
  assert.match(await decided.locator("pre").first().innerText(), /^curl -u \S+: -X POST 'http:[^]*"amount":480/);
  assert.deepEqual(await page.locator("#steps .on").allInnerTexts(), ["track", "url", "validate"]);

  await button(page, "Add Coffee for a year to the cart").click();
  await button(page, "Pay").click();
  await refuses(page, "Not paid. 1900 € at once");
  const refusal = page.locator("article.bad").first();
  assert.match(await refusal.innerText(), /BLOCK[^]*The rule “More than 1500 € at once” decided/);
  assert.equal(await page.locator("#total").innerText(), "1900 €", "the cart is still there");
  // The refusals of the phone and of the browser are answers to what was asked, and nothing else went wrong.
  assert.deepEqual(page.problems.filter((one) => !/status of 400/.test(one)), []);
});

test("what is refused looks refused: denied on the phone, closed by the person, not set up", async (t) => {
  const page = await openPage(browser, t);
  const name = unique("ada");
  await signIn(page, name);
  await button(page, "Add Espresso machine to the cart").click();
  await button(page, "Pay").click();
  await refuses(page, "Payments over 100 € need two-step verification");
  const colours = (selector) => page.locator(selector).evaluate((one) => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]);
  const bad = await colours(".notice.bad");
  await button(page, "Use the phone on this page").click();
  await says(page, "Two-step verification is on");
  const good = await colours(".notice.good");
  assert.notDeepEqual(bad, good);

  await button(page, "Pay").click();
  await asksThePhone(page);
  await page.locator("#deny").click();
  await page.locator("#phone .done.no", { hasText: "Denied" }).waitFor();
  await hosted(page).locator("#problem").waitFor();
  await page.click("#leave");
  await refuses(page, "Not paid. The payment was not confirmed");
  assert.equal(await page.locator("#total").innerText(), "480 €");
  assert.equal(await page.locator(".notice.good").count(), 0);

  await button(page, "Pay").click();
  await hosted(page).locator("a.quit").click();
  await refuses(page, "Not paid. The payment was not confirmed");
  assert.match((await calls(page))[0], /validate\s*CHALLENGE_REQUIRED/);
  assert.ok(await page.locator("article").first().evaluate((one) => one.classList.contains("bad")));
});

test("the key of the phone outlives a reload, is of one user, and signs in again", async (t) => {
  const page = await openPage(browser, t);
  const name = unique("grace");
  await withPhone(page, name);
  await page.reload();
  await page.locator('#phone[data-state="ready"]').waitFor();
  await button(page, "Sign out").click();
  await page.getByLabel("Your name").fill(name);
  await button(page, "Sign in").click();
  const number = await asksThePhone(page);
  await page.locator("#phone").getByRole("heading", { name: "Sign in?" }).waitFor();
  await page.fill("#typed", number);
  await page.click("#approve");
  await page.getByRole("heading", { name: `Hello, ${name}` }).waitFor();
  await button(page, "Sign out").click();
  await page.getByLabel("Your name").fill(unique("eve"));
  await button(page, "Sign in").click();
  await page.locator('#phone[data-state="off"]').waitFor();
});

test("the shop and its hosted pages have the shop's brand alone", async (t) => {
  const page = await openPage(browser, t);
  await withPhone(page, unique("ada"));
  await button(page, "Add Espresso machine to the cart").click();
  await button(page, "Pay").click();
  await asksThePhone(page);
  const own = await page.locator("#shop").innerText();
  const theirs = await hosted(page).locator("body").evaluate((body) => body.ownerDocument.documentElement.outerHTML);
  assert.ok(!/countersign/i.test(own), own);
  assert.ok(!/countersign/i.test(theirs.replace(/name="[^"]*"|src="[^"]*"|href="[^"]*"/g, "")), theirs);
  const logo = hosted(page).locator('header img[alt="Corner Coffee"]');
  assert.ok((await logo.evaluate((image) => image.naturalWidth)) > 0, "the logo is there");
  const main = await hosted(page).locator("button").first().evaluate((one) => getComputedStyle(one).borderRadius);
  assert.ok(main, "and the theme's button");
});

for (const [what, options] of [["wide", { viewport: { width: 1440, height: 900 } }], ["dark", { viewport: { width: 1440, height: 900 }, colorScheme: "dark" }], ["phone", { viewport: { width: 390, height: 844 } }]]) {
  test(`nothing overflows, and axe finds nothing serious: ${what}`, async (t) => {
    // What is on its way in is half transparent.
    const page = await openPage(browser, t, { reducedMotion: "reduce", ...options });
    const look = async (where) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
      if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], iframes: false }));
      const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes[0].html]), [], where);
    };
    await page.goto(demo);
    await look("first");
    await withPhone(page, unique("ada"));
    await button(page, "Add Espresso machine to the cart").click();
    await button(page, "Pay").click();
    const number = await asksThePhone(page);
    await page.locator('#phone[data-state="asked"]').waitFor();
    await look("asked");
    const box = await hosted(page).locator("#number").boundingBox();
    const approve = await page.locator("#approve").boundingBox();
    const { height } = page.viewportSize();
    assert.ok(box.y >= 0 && approve.y + approve.height <= height, "the button is in sight");
    if (what === "phone") {
      const question = await page.locator(".question").boundingBox();
      assert.ok(box.y + box.height <= question.y, "the number is in sight above what the phone asks");
    }
    await page.fill("#typed", number);
    await page.click("#approve");
    await says(page, "Paid: 480 €");
    await look("paid");
  });
}

test("an app of one's own is set up in the same window, and what another site sends is not taken for its word", async (t) => {
  const page = await openPage(browser, t);
  await signIn(page, unique("ada"));
  await button(page, "Use my own app or phone").click();
  const frame = await until("the hosted page is there", () => page.frames().find((one) => one !== page.mainFrame() && one.url().includes("/set-up") || one.url().includes("/challenge")));
  await page.evaluate(() => window.postMessage(JSON.stringify({ event: "AUTHSIGNAL_CLOSE_POPUP", token: "x" }), "*"));
  assert.ok(await page.locator("#window").isVisible());
  assert.ok(frame);
  await page.keyboard.press("Escape");
  await page.click("#leave").catch(() => {});
  await refuses(page, "Nothing was set up");
});

test("the demo works without JavaScript, and at localhost as well", async (t) => {
  const page = await openPage(browser, t, { javaScriptEnabled: false });
  const there = demo.replace("127.0.0.1", "localhost");
  await page.goto(there);
  await page.getByLabel("Your name").fill(unique("grace"));
  await button(page, "Sign in").click();
  await button(page, "Use my own app or phone").click();
  await setUpApp(page);
  await page.waitForURL("http://localhost:*/demo");
  await says(page, "Two-step verification is on");
  assert.match((await calls(page)).join("\n"), /validate\s*CHALLENGE_SUCCEEDED[^]*the browser opens url[^]*add-authenticator\s*ALLOW/);
  await button(page, "Add Espresso machine to the cart").click();
  await button(page, "Pay").click();
  await page.click("a.quit");
  await page.waitForURL("http://localhost:*/demo");
  await refuses(page, "Not paid");
});

test("a token of somebody else signs nobody in, and no other site fills a form in", async (t) => {
  const page = await openPage(browser, t, { javaScriptEnabled: false });
  const [mine, theirs] = [unique("ada"), unique("eve")];
  await signIn(page, theirs);
  await button(page, "Use my own app or phone").click();
  const { secret } = await setUpApp(page, { code: previousCode });
  await isAtShop(page);
  // Eve answers an own sign-in, and gives Ada's browser the address that she was sent back to.
  await button(page, "Sign out").click();
  await signIn(page, theirs);
  await page.locator(field).waitFor();
  const back = page.waitForRequest((request) => request.url().startsWith(`${demo}/back?`));
  await type(page, currentCode(secret));
  const address = (await back).url();

  const victim = await openPage(browser, t);
  await victim.goto(address);
  await isAtShop(victim);
  await victim.getByLabel("Your name").waitFor();
  await signIn(victim, mine);
  await victim.getByRole("heading", { name: `Hello, ${mine}` }).waitFor();
  await victim.goto(address);
  await victim.getByRole("heading", { name: `Hello, ${mine}` }).waitFor();

  const cookie = (await victim.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const forged = await fetch(`${demo}/sign-out`, { method: "POST", headers: { cookie }, body: new URLSearchParams({ form: "guess" }), redirect: "manual" });
  assert.equal(forged.status, 400);
  const bent = await fetch(demo, { headers: { cookie: cookie.replace("demo=e", "demo=f") } });
  assert.match(await bent.text(), /Your name/);
  const [own] = (await victim.context().cookies()).filter(({ name }) => name === "demo");
  assert.deepEqual([own.httpOnly, own.sameSite, own.path], [true, "Lax", "/demo"]);
});
