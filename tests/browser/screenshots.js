// Pictures of every page, and all of them on one sheet: `tests/browser/screenshots [folder]`.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { openPage } from "./lib/chromium.js";
import { makePast, pages, visitPage } from "./lib/pages.js";
import { openSite } from "./lib/site.js";

const folder = path.resolve(process.env.SCREENSHOTS);
mkdirSync(folder, { recursive: true });
const site = await openSite();
// A phone has a finger, and leads with what a finger can do.
const wide = { viewport: { width: 1000, height: 760 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** Each way to come to a page, and the looks in which it is photographed there. */
const visits = [
  { locale: "en", device: wide, looks: { light: "light", dark: "dark" } },
  { locale: "en", device: phone, looks: { phone: "light", "phone-dark": "dark" } },
  { locale: "ar", device: phone, looks: { "right-to-left": "light" } },
];
const only = process.env.PAGES?.split(",");
const shown = pages.filter(({ name }) => !only || only.includes(name));
const looks = visits.flatMap((visit) => Object.keys(visit.looks));

/** The whole page. A window as high as it, because a picture of more than the window forgets that there is a finger. */
async function photograph(page, { width, height }, file) {
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.max(height, whole) });
  await page.screenshot({ path: path.join(folder, file) });
  await page.setViewportSize({ width, height });
}

const pasts = {};
test("pictures of every page", async (t) => {
  for (const locale of ["en", "ar"]) pasts[locale] = await makePast(site, t, { locale });
  for (const entry of [...shown.filter(({ late }) => !late), ...shown.filter(({ late }) => late)]) {
    await t.test(entry.name, async (t) => {
      for (const { locale, device, looks } of visits) {
        const page = await openPage(site.browser, t, { locale, ...device, reducedMotion: "reduce", deviceScaleFactor: 2 });
        await visitPage(entry, { site, page, test: t, attributes: { locale }, past: pasts[locale] });
        for (const [look, colorScheme] of Object.entries(looks)) {
          await page.emulateMedia({ colorScheme });
          await photograph(page, device.viewport, `${entry.name}.${look}.png`);
        }
        await page.context().close();
      }
    });
  }
});

test("all of them on one sheet", async (t) => {
  const cell = (name, look) => `<td><img src="${name}.${look}.png" alt="${name}, ${look}"></td>`;
  const row = ({ name }) => `<tr><th>${name}</th>${looks.map((look) => cell(name, look)).join("")}</tr>`;
  const style = "body{font:14px sans-serif;background:#888;color:#000}th{text-align:start;padding:4px}td{vertical-align:top}img{width:240px;display:block}";
  const head = `<tr><th></th>${looks.map((look) => `<th>${look}</th>`).join("")}</tr>`;
  const sheet = path.join(folder, "index.html");
  writeFileSync(sheet, `<!doctype html><meta charset="utf-8"><title>Every page</title><style>${style}</style><table>${head}${shown.map(row).join("")}</table>`);
  const page = await openPage(site.browser, t, { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 });
  await page.goto(pathToFileURL(sheet).href);
  await page.screenshot({ path: path.join(folder, "contact-sheet.png"), fullPage: true });
});
