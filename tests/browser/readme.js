// The four pictures of README and the book: `SCREENSHOTS=docs/src/images node --test tests/browser/readme.js`.
import path from "node:path";
import { test } from "node:test";
import { openPage } from "./lib/chromium.js";
import { pages, visitPage } from "./lib/pages.js";
import { openSite } from "./lib/site.js";

const folder = path.resolve(process.env.SCREENSHOTS);
const site = await openSite();
const phone = { viewport: { width: 390, height: 700 }, isMobile: true, hasTouch: true };
const box = { viewport: { width: 480, height: 700 } };
const pictures = [
  { page: "challenge-payment", file: "challenge", device: phone },
  { page: "waiting-payment", file: "waiting", device: phone, colorScheme: "dark" },
  { page: "app", file: "set-up", device: box },
  { page: "settings", file: "settings", device: phone },
];

test("the pictures", async (t) => {
  await site.configure(t, { name: "Acme Bank" });
  for (const { page: name, file, device, colorScheme = "light" } of pictures) {
    await t.test(file, async (t) => {
      const page = await openPage(site.browser, t, { locale: "en", ...device, colorScheme, reducedMotion: "reduce", deviceScaleFactor: 2 });
      await visitPage(pages.find((entry) => entry.name === name), { site, page, test: t, attributes: { locale: "en" } });
      await page.evaluate(() => document.activeElement?.blur());
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: device.viewport.width, height: Math.max(height, 700) });
      await page.screenshot({ path: path.join(folder, `${file}.png`) });
    });
  }
});
