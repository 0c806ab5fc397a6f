// Pictures of every page: `tests/browser/screenshots [folder]`.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { openPage } from "./lib/chromium.js";
import { makePast, pages, visitPage } from "./lib/pages.js";
import { openSite } from "./lib/site.js";

const folder = path.resolve(process.env.SCREENSHOTS);
mkdirSync(folder, { recursive: true });
const site = await openSite();
const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const looks = [
  { name: "light", locale: "en", colorScheme: "light", viewport: wide },
  { name: "dark", locale: "en", colorScheme: "dark", viewport: wide },
  { name: "phone", locale: "en", colorScheme: "light", viewport: phone },
  { name: "phone-dark", locale: "en", colorScheme: "dark", viewport: phone },
  { name: "right-to-left", locale: "ar", colorScheme: "light", viewport: phone },
];
const pasts = {};
test("pictures of every page", async (t) => {
  for (const locale of ["en", "ar"]) pasts[locale] = await makePast(site, t, { locale });
  for (const entry of [...pages.filter(({ late }) => !late), ...pages.filter(({ late }) => late)]) {
    await t.test(entry.name, async (t) => {
      for (const locale of ["en", "ar"]) {
        const page = await openPage(site.browser, t, { locale, viewport: phone });
        await visitPage(entry, { site, page, test: t, attributes: { locale }, past: pasts[locale] });
        for (const look of looks.filter((look) => look.locale === locale)) {
          await page.setViewportSize(look.viewport);
          await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
          await page.screenshot({ path: path.join(folder, `${entry.name}.${look.name}.png`), fullPage: true });
        }
      }
    });
  }
});
