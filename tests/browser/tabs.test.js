// What only a browser shows: a line that breaks, a tab that is over, and a phone that is asked by the page itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentCode } from "../sdk/node/lib/totp.js";
import { tenantId, until } from "../sdk/node/lib/server.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { openSite, stateOf } from "./lib/site.js";
import { field, submit, type } from "./lib/user.js";

const site = await openSite();
const { shop } = site;
const isBack = (page) => page.waitForURL(`${shop.origin}/done?**`);
const numberOn = async (page) => (await page.locator("#number").innerText()).replace(/\s/g, "");

test("offline, a form and a link say so on the page, and work again with the line", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await page.context().setOffline(true);
  await page.fill(field, currentCode(secret));
  await page.locator("#line", { hasText: "You are offline" }).waitFor();
  await page.click("a#way-recovery");
  assert.equal(await page.locator(field).count(), 1, "the page is still there");
  await page.context().setOffline(false);
  await until("the line is gone", async () => (await page.locator("#line").innerText()) === "");
  await page.click(submit);
  await isBack(page);
});

test("a submit without an answer says so, and can be sent again", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  // Nothing can be asked of a page while it waits for another one, so the page tells what it shows.
  let told;
  await page.exposeFunction("tell", (...all) => (told = all));
  await page.evaluate(() => {
    const main = document.querySelector("main");
    main.dataset.patience = "300";
    const watch = new MutationObserver(() => {
      const text = document.getElementById("line")?.textContent;
      const form = document.querySelector("form");
      if (text) window.tell(text, form.dataset.sent ?? "", form.hasAttribute("aria-busy"));
    });
    watch.observe(main, { childList: true, subtree: true });
  });
  await page.route("**/challenge", () => {}); // It is never answered.
  await page.evaluate(([input, code]) => {
    document.querySelector(input).value = code;
    setTimeout(() => document.querySelector(input).form.requestSubmit(), 0);
  }, [field, currentCode(secret)]);
  await until("the page says so", () => told);
  assert.match(told[0], /send it again/);
  assert.deepEqual(told.slice(1), ["", false], "and it can be");
});

test("a form that hung is sent a second time, and that one counts", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  const { url, token } = await site.track(userId);
  await page.goto(url);
  await page.evaluate(() => (document.querySelector("main").dataset.patience = "300"));
  // The first is swallowed by the line; the second gets through.
  let sent = 0;
  await page.route("**/challenge", (route) => ((sent += 1) === 1 ? undefined : route.continue()));
  await page.evaluate(([input, code]) => {
    const [typed, main] = [document.querySelector(input), document.querySelector("main")];
    // Nothing can be asked of a page while it waits for another one, so the second click is made by the page itself.
    new MutationObserver((_, watch) => {
      if (!document.getElementById("line")?.textContent) return;
      watch.disconnect();
      typed.form.querySelector('button[type="submit"]').click();
    }).observe(main, { childList: true, subtree: true });
    typed.value = code;
    setTimeout(() => typed.form.requestSubmit(), 0);
  }, [field, currentCode(secret)]);
  // The first navigation ends with the second click.
  await until("it is back", () => page.url().startsWith(`${shop.origin}/done?`));
  assert.equal(sent, 2);
  assert.equal(await stateOf(site, token), "CHALLENGE_SUCCEEDED");
});

test("a tab whose action was answered elsewhere notices when it is seen again", async (t) => {
  const { userId, secret } = await site.withApp();
  const { url, token } = await site.track(userId, { redirectUrl: undefined });
  const [one, two] = [await openPage(site.browser, t), await openPage(site.browser, t)];
  await one.goto(url);
  await one.locator(field).waitFor();
  await two.goto(url);
  await type(two, currentCode(secret));
  await two.locator('main[data-end="success"]').waitFor();
  assert.equal(await stateOf(site, token), "CHALLENGE_SUCCEEDED");
  await one.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await one.locator('main[data-end="success"]').waitFor();
});

test("a tab whose token expires notices by itself", async (t) => {
  const { userId } = await site.withApp();
  const made = await site.shortLived(t, () => site.track(userId));
  const page = await openPage(site.browser, t);
  await page.goto(made.url);
  await page.locator(field).waitFor();
  await page.locator('main[data-end="expired"]').waitFor({ timeout: 75_000 });
  await page.locator("a#continue", { hasText: "Start again" }).waitFor();
});

test("the phone that worked last is asked on arrival, once, and the page goes on", async (t) => {
  const { userId, phone } = await site.withPhone(t, unique("grace"), ["--name", "Pixel 9", "--push-token", "t"]);
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await phone.run(["approve", "--number", await numberOn(page)]);
  await isBack(page);

  const { url } = await site.track(userId);
  await fetch(url); // A preview asks nobody.
  await page.goto(url);
  await page.locator("#number").waitFor();
  assert.match(await page.locator("#sent").innerText(), /Sent to Pixel 9, [12]:\d\d left/);
  await phone.run(["deny"]);
  await page.locator('[role="alert"]', { hasText: "denied" }).waitFor();
  await page.goto((await site.track(userId)).url);
  await page.getByRole("button", { name: "Ask my phone" }).waitFor();
  assert.equal(await page.locator("form[data-ask]").count(), 0, "not so soon after a denial");
});

test("a code page notices when the phone approves", async (t) => {
  const { userId } = await site.withApp();
  const { phone } = await site.withPhone(t, userId, ["--push-token", "t"]);
  const page = await openPage(site.browser, t);
  await page.goto(`${(await site.track(userId)).url}&way=phone`);
  await page.getByRole("button", { name: "Ask my phone" }).click();
  const number = await numberOn(page);
  await page.click("a#other");
  await page.fill(field, "12");
  await phone.run(["approve", "--number", number]);
  await isBack(page);
});

for (const javaScriptEnabled of [true, false]) {
  test(`a phone signs its owner in by the code of a page${javaScriptEnabled ? "" : ", without script"}`, async (t) => {
    const userId = unique("grace");
    const phone = site.newPhone(t);
    const { token } = await site.track(userId, { scope: "add:authenticators" }, "pair");
    await phone.run(["enroll", token, "--kind", "qr-code"]);
    const page = await openPage(site.browser, t, { javaScriptEnabled });
    const back = encodeURIComponent(shop.redirectUrl);
    await page.goto(`${site.server.origin}/qr-code/${tenantId}?action=sign-in&redirectUrl=${back}`);
    if (!javaScriptEnabled) await page.click('form button[type="submit"]');
    await page.locator("#qr svg").waitFor();
    const challenge = new URL(page.url()).searchParams.get("challenge");
    await phone.run(["scan", challenge, "--approve"]);
    await isBack(page);
    const given = new URL(page.url()).searchParams.get("token");
    const validated = await site.sdk.validateChallenge({ token: given, userId, action: "sign-in" });
    assert.deepEqual([validated.isValid, validated.state], [true, "CHALLENGE_SUCCEEDED"]);
  });
}
