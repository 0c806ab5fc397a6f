// The demo shop at /demo, as a newcomer meets it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sdkFor } from "../sdk/node/lib/sdk.js";
import { serve } from "../sdk/node/lib/server.js";
import { currentCode, previousCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openBrowser, openPage } from "./lib/chromium.js";
import { field, setUpApp, type } from "./lib/user.js";

const server = await serve();
const browser = await openBrowser();
const sdk = sdkFor(server);
const demo = `${server.origin}/demo`;

const button = (page, name) => page.getByRole("button", { name, exact: true });
const says = (page, text) => page.locator('[role="status"]', { hasText: text }).waitFor();
const isAtShop = (page) => page.waitForURL(demo);
const isHosted = (page) => page.waitForURL((url) => url.origin === server.origin && !url.pathname.startsWith("/demo"));

async function signIn(page, name) {
  await page.goto(demo);
  await page.getByLabel("Your name").fill(name);
  await button(page, "Sign in").click();
}

test("the whole minute: sign in, turn on two-step, pay, confirm a large payment, manage security, sign in again", async (t) => {
  const name = unique("ada");
  const page = await openPage(browser, t);
  await signIn(page, name);
  await page.getByRole("heading", { name: `Hello, ${name}` }).waitFor();

  await button(page, "Add Kettle to the cart").click();
  await button(page, "Pay").click();
  await says(page, "Paid: 45 €");
  await button(page, "Add Espresso machine to the cart").click();
  await button(page, "Pay").click();
  await says(page, "need two-step verification");

  await button(page, "Turn on two-step verification").click();
  await isHosted(page);
  const { secret } = await setUpApp(page, { code: previousCode });
  await isAtShop(page);
  await says(page, "Two-step verification is on");
  assert.equal(await page.locator("#total").innerText(), "480 €", "the cart is still there");

  await button(page, "Pay").click();
  await isHosted(page);
  await page.click("a.quit");
  await isAtShop(page);
  await says(page, "not confirmed");
  await button(page, "Pay").click();
  await isHosted(page);
  await type(page, currentCode(secret));
  await isAtShop(page);
  await says(page, "Paid: 480 €");
  const { state } = await sdk.getAction({ userId: `demo-${name}`, action: "pay", idempotencyKey: await lastPayment(name) });
  assert.equal(state, "CHALLENGE_SUCCEEDED");

  await button(page, "Manage security").click();
  await page.locator(field).waitFor();
  await button(page, "Sign out").waitFor({ state: "detached" });
  await page.click("a.quit");
  await isAtShop(page);

  await button(page, "Sign out").click();
  await signIn(page, name);
  await page.locator(field).waitFor();
  await page.goto(demo);
  await page.getByLabel("Your name").waitFor(); // Leaving half-way signs nobody in.
  assert.deepEqual(page.problems, []);
});

async function lastPayment(name) {
  const actions = await sdk.queryUserActions({ userId: `demo-${name}`, codes: ["pay"], state: "CHALLENGE_SUCCEEDED" });
  return actions[0].idempotencyKey;
}

test("the demo works without JavaScript, and at localhost as well", async (t) => {
  const page = await openPage(browser, t, { javaScriptEnabled: false });
  await page.goto(demo.replace("127.0.0.1", "localhost"));
  await page.getByLabel("Your name").fill(unique("grace"));
  await button(page, "Sign in").click();
  await button(page, "Turn on two-step verification").click();
  await setUpApp(page);
  await page.waitForURL("http://localhost:*/demo");
  await says(page, "Two-step verification is on");
});

test("a token of somebody else signs nobody in, and no other site fills a form in", async (t) => {
  const page = await openPage(browser, t);
  const [mine, theirs] = [unique("ada"), unique("eve")];
  await signIn(page, theirs);
  await button(page, "Turn on two-step verification").click();
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
  await victim.goto(address);
  await victim.getByRole("heading", { name: `Hello, ${mine}` }).waitFor();

  const cookie = (await victim.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const forged = await fetch(`${demo}/sign-out`, { method: "POST", headers: { cookie }, body: new URLSearchParams({ form: "guess" }), redirect: "manual" });
  assert.equal(forged.status, 400);
  const bent = await fetch(demo, { headers: { cookie: cookie.replace("demo=e", "demo=f") } });
  assert.match(await bent.text(), /Your name/);
  const [own] = await victim.context().cookies();
  assert.deepEqual([own.httpOnly, own.sameSite, own.path], [true, "Lax", "/demo"]);
});
