// What a person does on the hosted pages, with their eyes and hands.
import assert from "node:assert/strict";
import { currentCode } from "../../sdk/node/lib/totp.js";
import { scan } from "./qr.js";

export const field = "input#code";
export const submit = `form:has(${field}) button[type="submit"]`;

/** Types a code. At the sixth digit the script of the page sends it; without script the button does. */
export async function type(page, code, { javaScript = true } = {}) {
  await page.fill(field, code);
  if (!javaScript) await page.click(submit);
}

/** The secret that is shown for typing, without the spaces. */
export const shownSecret = async (page) => (await page.locator("#secret").innerText()).replace(/\s/g, "");

/** Chooses an app on the first page of a set-up, and scans its QR code; the secret. */
export async function chooseApp(page) {
  await page.click("a#choose-app");
  await page.locator("#qr svg").waitFor();
  const scanned = new URL(await scan(page));
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
export async function setUpApp(page, { code = currentCode, ...options } = {}) {
  const secret = await chooseApp(page);
  await type(page, await code(secret), options);
  const codes = await readRecoveryCodes(page);
  await acknowledge(page);
  return { secret, codes };
}
