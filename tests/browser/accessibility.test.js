// WCAG 2.2 AA: axe on every page × light and dark × 320 px and 1280 px × two languages, and whole journeys by keyboard alone.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { currentCode, previousCode, wrongCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { makePast, openSettings, pages, visitPage } from "./lib/pages.js";
import { openSite, stateOf } from "./lib/site.js";
import { field, shownSecret } from "./lib/user.js";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const site = await openSite();
const languages = { en: "ltr", ar: "rtl" };

/** What axe calls serious or critical, a line each. */
async function violations(page) {
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const bad = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return bad.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary.split("\n").at(-1).trim()}`));
}

/** What holds on every page, whatever it is about. */
async function structure(page) {
  return page.evaluate(() => {
    const wrong = [];
    const { lang, dir, scrollWidth } = document.documentElement;
    if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
    if (document.title.trim() === "") wrong.push("no title");
    if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
    // WCAG 1.4.10: nothing scrolls sideways at 320 px.
    if (scrollWidth > window.innerWidth) wrong.push(`it is ${scrollWidth} px wide on ${window.innerWidth} px`);
    const [main, { paddingLeft, paddingRight }] = [document.querySelector("main"), getComputedStyle(document.querySelector("main"))];
    const { left, right } = main.getBoundingClientRect();
    for (const element of main.querySelectorAll("a, button, input, h1, h2, p")) {
      const at = element.getBoundingClientRect();
      const isWithin = at.left >= left + parseFloat(paddingLeft) - 1 && at.right <= right - parseFloat(paddingRight) + 1;
      if (at.width > 0 && !isWithin) wrong.push(`"${element.textContent || element.id}" stands outside of the column`);
    }
    for (const alert of document.querySelectorAll("#problem")) if (alert.getAttribute("role") !== "alert") wrong.push("#problem is no alert");
    for (const live of document.querySelectorAll("#live")) if (live.getAttribute("role") !== "status") wrong.push("#live is no status");
    const moving = document.getAnimations().filter((animation) => animation.playState === "running");
    if (moving.length) wrong.push(`${moving.length} animations run under reduced motion`);
    return { wrong, lang, dir };
  });
}

test("every page passes axe in both schemes, both widths and both languages", async (t) => {
  const pasts = {};
  for (const locale of Object.keys(languages)) pasts[locale] = await makePast(site, t, { locale });
  for (const entry of [...pages.filter(({ late }) => !late), ...pages.filter(({ late }) => late)]) {
    await t.test(entry.name, async (t) => {
      const seen = [];
      for (const [locale, direction] of Object.entries(languages)) {
        const page = await openPage(site.browser, t, { locale, reducedMotion: "reduce", viewport: { width: 1280, height: 800 } });
        await visitPage(entry, { site, page, test: t, attributes: { locale }, past: pasts[locale] });
        for (const width of [1280, 320]) {
          await page.setViewportSize({ width, height: 800 });
          for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme });
            const { wrong, lang, dir } = await structure(page);
            if (lang !== locale || dir !== direction) wrong.push(`lang=${lang} dir=${dir}`);
            for (const line of [...wrong, ...(await violations(page))]) seen.push(`${locale} ${colorScheme} ${width} px: ${line}`);
          }
        }
        await page.context().close();
      }
      assert.deepEqual(seen, []);
    });
  }
});

test("the front page passes axe in both schemes, on a phone too, and leads to what is there", async (t) => {
  const page = await openPage(site.browser, t, { locale: "de", reducedMotion: "reduce", viewport: { width: 1280, height: 800 } });
  await page.goto(`${site.server.origin}/`);
  for (const width of [1280, 390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const { wrong, lang } = await structure(page);
      assert.equal(lang, "en");
      assert.deepEqual([...wrong, ...(await violations(page))], [], `${colorScheme} ${width} px`);
    }
  }
  await page.click("#demo");
  await page.waitForURL(`${site.server.origin}/demo`);
});

/** Goes to an element with the Tab key alone; on the way every stop shows that it has the focus. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 60; presses += 1) {
    const at = await page.evaluate((wanted) => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const shows = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
      return { arrived: element.matches(wanted), shows: element === document.body || shows, html: element.outerHTML.slice(0, 200) };
    }, selector);
    assert.ok(at.shows, `the focus is not seen on ${at.html}`);
    if (at.arrived) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`60 tabs do not reach ${selector}`);
}

const press = async (page, selector, key = "Enter") => {
  await tabTo(page, selector);
  await page.keyboard.press(key);
};
const isBack = (page) => page.waitForURL(`${site.shop.origin}/done?**`);

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "" : ", without script";
  test(`set-up, challenge and quitting by keyboard alone${how}`, async (t) => {
    const userId = unique("ada");
    const page = await openPage(site.browser, t, { javaScriptEnabled });
    const { url } = await site.track(userId);
    await page.goto(url.replace("/challenge?", "/set-up?"));
    await press(page, "a#choose-app");
    await page.locator("#secret").waitFor();
    const secret = await shownSecret(page);
    await tabTo(page, "input#code");
    await page.keyboard.type(await previousCode(secret));
    await tabTo(page, "input#name");
    await page.keyboard.type("Ada's phone");
    await press(page, 'form:has(#code) button[type="submit"]');
    await page.locator("#codes").waitFor();
    await press(page, "#kept", "Space");
    await press(page, 'form:has(#kept) button[type="submit"]');
    await isBack(page);
    assert.equal((await site.sdk.getAuthenticators({ userId }))[0].displayName, "Ada's phone");

    const second = await site.track(userId);
    await page.goto(second.url);
    await press(page, "a#way-recovery");
    await page.locator("input#recovery-code").waitFor();
    await press(page, "a#way-app");
    await page.locator(field).waitFor();
    assert.ok(await page.locator(field).evaluate((element) => element === document.activeElement), "the field has the focus");
    await page.keyboard.type(wrongCode(secret));
    if (!javaScriptEnabled) await page.keyboard.press("Enter");
    await page.locator("#problem").waitFor();
    assert.equal(await page.getAttribute(field, "aria-invalid"), "true");
    assert.match(await page.getAttribute(field, "aria-describedby"), /\bproblem\b/);
    await tabTo(page, field);
    await page.keyboard.type(currentCode(secret));
    if (!javaScriptEnabled) await page.keyboard.press("Enter");
    await isBack(page);
    assert.equal(await stateOf(site, second.token), "CHALLENGE_SUCCEEDED");

    const third = await site.track(userId);
    await page.goto(third.url);
    await press(page, "a.quit");
    await isBack(page);
    assert.equal(await stateOf(site, third.token), "CHALLENGE_REQUIRED");
  });

  test(`renaming and removing by keyboard alone${how}`, async (t) => {
    const page = await openPage(site.browser, t, { javaScriptEnabled });
    // Somebody has made two factors mandatory by now: one of two can go.
    const { userId } = await openSettings({ site, page, test: t }, { withPhone: true });
    await press(page, "article.authenticator summary");
    await tabTo(page, 'article.authenticator input[name="name"]');
    await page.keyboard.press("Control+A");
    await page.keyboard.type("Pocket");
    await page.keyboard.press("Enter");
    await page.locator("#done", { hasText: "Pocket" }).waitFor();

    await press(page, "article.authenticator summary");
    await press(page, "article.authenticator a.remove");
    await page.locator("dialog#confirm").waitFor();
    const isInside = () => page.evaluate(() => document.querySelector("dialog").contains(document.activeElement));
    assert.ok(await isInside(), "the dialog has the focus");
    if (javaScriptEnabled) {
      await page.keyboard.press("Escape");
      await page.locator("dialog#confirm").waitFor({ state: "detached" });
      await press(page, "article.authenticator summary");
      await press(page, "article.authenticator a.remove");
      await page.locator("dialog#confirm").waitFor();
    }
    await press(page, 'dialog#confirm button[type="submit"]');
    await page.locator("#done").waitFor();
    assert.equal((await site.sdk.getAuthenticators({ userId })).length, 1);
  });
}

test("the live state of a push is announced, and the page can be left by keyboard", async (t) => {
  const { userId } = await site.withPhone(t);
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await press(page, 'form button[type="submit"]');
  await page.locator("#number").waitFor();
  assert.equal(await page.getAttribute("#live", "role"), "status");
  assert.match(await page.locator("#live").innerText(), /\S/);
  await press(page, "a#other");
  await page.locator("#number").waitFor({ state: "detached" });
  await press(page, "a.quit");
  await isBack(page);
});
