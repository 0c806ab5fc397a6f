// What a person does on the hosted pages, with their eyes and hands.
import assert from "node:assert/strict";
import { currentCode } from "../../sdk/node/lib/totp.js";
import { scan } from "./qr.js";

export const field = "input#code";
export const submit = `form:has(${field}) button[type="submit"]`;

/** Types a code. A challenge sends it at the sixth digit by itself; without script, and in a set-up, the button does. */
export async function type(page, code) {
  const sendsItself = page.context().hasScript !== false && (await page.locator(`form[data-auto]:has(${field})`).count()) > 0;
  await page.fill(field, code);
  if (!sendsItself) await page.click(submit);
}

/** The secret that is shown for typing, without the spaces. */
export const shownSecret = async (page) => (await page.locator("#secret").innerText()).replace(/\s/g, "");

/** What the picture of a page says; on a phone, which cannot scan itself, the link that opens the app. */
export async function picture(page) {
  const link = page.locator("#open-app");
  return (await link.isVisible()) ? link.getAttribute("href") : scan(page);
}

/** Chooses an app on the first page of a set-up, where there is a choice, and scans its QR code; the secret. */
export async function chooseApp(page) {
  await page.locator("#secret, a#choose-app, a#new").first().waitFor();
  if (await page.locator("a#new").count()) await page.click("a#new");
  await page.locator("#secret, a#choose-app").first().waitFor();
  if (await page.locator("a#choose-app").count()) await page.click("a#choose-app");
  await page.locator("#secret").waitFor();
  const scanned = new URL(await picture(page));
  assert.equal(scanned.protocol, "otpauth:");
  const secret = scanned.searchParams.get("secret");
  assert.equal(secret, await shownSecret(page), "the QR code and the text say the same");
  return secret;
}

/** The recovery codes of the page that shows them once. */
export async function readRecoveryCodes(page) {
  await page.locator("#codes").waitFor();
  return page.locator("#codes li code").allInnerTexts();
}

/** Says that the codes are kept, and goes on. */
export async function acknowledge(page) {
  await page.check("#kept");
  await page.click('form:has(#kept) button[type="submit"]');
}

/** Everything from the first page of a set-up to its end; the secret and the recovery codes. */
export async function setUpApp(page, { code = currentCode, name } = {}) {
  const secret = await chooseApp(page);
  if (name !== undefined) await page.fill("input#name", name);
  await type(page, await code(secret));
  const codes = await readRecoveryCodes(page);
  await acknowledge(page);
  return { secret, codes };
}

/** Opens the menu of an authenticator. */
export async function openMenu(card) {
  if (!(await card.locator("details.menu[open]").count())) await card.locator("summary").click();
}

/** What the page says went wrong. */
export async function problem(page) {
  await page.locator("#problem").waitFor();
  return page.locator("#problem").innerText();
}

/** How many attempts the page says are left. */
export const attemptsLeft = async (page) => Number((await problem(page)).match(/(\d+) attempts are left/)?.[1]);
