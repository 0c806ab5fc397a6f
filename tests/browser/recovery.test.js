// Recovery codes: the way in when the phone is gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { previousCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { openSite, stateOf } from "./lib/site.js";
import { acknowledge, chooseApp, field, problem, readRecoveryCodes, setUpApp, type } from "./lib/user.js";

const site = await openSite();
const { sdk, shop } = site;
const isBack = (page) => page.waitForURL(`${shop.origin}/done?**`);
const input = "input#recovery-code";

async function send(page, code) {
  await page.fill(input, code);
  await page.click(`form:has(${input}) button[type="submit"]`);
}

/** Past the page for somebody who has lost their phone. */
async function leave(page) {
  await page.locator("h1", { hasText: "Lost your phone?" }).waitFor();
  await page.click("a#leave");
  await isBack(page);
}

/** A user who set an app up with the page, and has the codes. */
async function withCodes(t, options) {
  const userId = unique("ada");
  const page = await openPage(site.browser, t, options);
  await page.goto((await site.track(userId)).url);
  const made = await setUpApp(page, { code: previousCode });
  await isBack(page);
  return { userId, page, ...made };
}

for (const javaScriptEnabled of [true, false]) {
  test(`a recovery code signs in, once${javaScriptEnabled ? "" : ", without script"}`, async (t) => {
    const { userId, page, codes } = await withCodes(t, { javaScriptEnabled });
    const { url, token } = await site.track(userId);
    await page.goto(url);
    await page.click("a#way-recovery");
    await send(page, codes[3]);
    await leave(page);
    const validated = await sdk.validateChallenge({ token: new URL(page.url()).searchParams.get("token") });
    assert.deepEqual([validated.state, validated.verificationMethod], ["CHALLENGE_SUCCEEDED", "RECOVERY_CODE"]);

    const again = await site.track(userId);
    await page.goto(`${again.url}&way=recovery`);
    await send(page, codes[3]);
    assert.match(await problem(page), /not right, or was used before/);
    assert.equal(await stateOf(site, again.token), "CHALLENGE_REQUIRED");
    assert.notEqual(again.token, token);
    await send(page, codes[4]);
    await leave(page);
  });
}

test("a code may be typed as people do: in small letters, with spaces and dashes in other places", async (t) => {
  const { userId, page, codes } = await withCodes(t);
  const plain = codes[0].replace(/[^A-Za-z0-9]/g, "");
  const spellings = [codes[0].toLowerCase(), ` ${codes[1]} `, codes[2].replaceAll("-", " "), codes[5].replace(/[^A-Za-z0-9]/g, "")];
  assert.ok(plain.length >= 8);
  for (const spelling of spellings) {
    await page.goto(`${(await site.track(userId)).url}&way=recovery`);
    await send(page, spelling);
    await leave(page);
  }
});

test("wrong recovery codes spend a budget of their own, and the page says how many are left once few are", async (t) => {
  const { userId, page } = await withCodes(t);
  await page.goto(`${(await site.track(userId)).url}&way=recovery`);
  for (let left = 9; left >= 2; left -= 1) {
    await send(page, "AAAAA-AAAAA-AAAAA");
    if (left <= 3) await page.locator("#problem", { hasText: `${left} attempts are left` }).waitFor();
    else assert.doesNotMatch(await problem(page), /left/);
  }
  await page.click("a#way-app");
  await page.locator(field).waitFor();
});

test("new codes are shown again by a reload, until they are kept", async (t) => {
  const userId = unique("ada");
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  await type(page, await previousCode(await chooseApp(page)));
  const codes = await readRecoveryCodes(page);
  assert.equal(codes.length, 10);
  for (let times = 0; times < 2; times += 1) {
    await page.reload();
    assert.deepEqual(await readRecoveryCodes(page), codes);
  }
  await acknowledge(page);
  await isBack(page);
});
