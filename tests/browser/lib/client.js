// A page of the shop with a client of the browser SDK in it, and what a phone's camera sees of it.
import { tenantId } from "../../sdk/node/lib/server.js";
import { openPage } from "./chromium.js";

/** Opens the shop and makes its SDK client, `window.client`. */
export async function openClientPage(browser, test, { shop, server }) {
  const page = await openPage(browser, test);
  await page.goto(shop.origin);
  await page.evaluate((options) => {
    window.expirations = 0;
    window.client = new window.authsignal.Authsignal({ ...options, onTokenExpired: () => (window.expirations += 1) });
  }, { baseUrl: server.api, tenantId });
  return page;
}

export const setToken = (page, token) => page.evaluate((value) => window.client.setToken(value), token);

/** The page draws a QR code; a picture of its whole screen. */
export async function photograph(page, text) {
  await page.evaluate((value) => window.draw(value), text);
  return page.screenshot();
}
