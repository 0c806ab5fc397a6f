// What a tenant's theme says reaches every element that it names: the computed style of each, on every page, light and dark.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./lib/chromium.js";
import { makePast, pages, visitPage } from "./lib/pages.js";
import { openSite } from "./lib/site.js";

const site = await openSite();

const colours = [
  "buttonPrimaryText", "buttonPrimaryBorder", "buttonSecondaryText", "buttonSecondaryBackground", "buttonSecondaryBorder",
  "cardBackground", "cardBorder", "inputBackground", "inputBorder", "link", "headingText", "bodyText", "containerBackground",
  "containerBorder", "divider", "icon", "loader", "positive", "critical", "information", "hover", "focus",
];
/** A colour that no other token has. */
const colour = (index, mode) => `#${[20 + index * 9, mode === "dark" ? 200 : 40, 255 - index * 9].map((one) => one.toString(16).padStart(2, "0")).join("")}`;
const rgb = (hex) => `rgb(${[1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).join(", ")})`;

const appearance = (mode) => ({
  primaryColor: colour(23, mode),
  colors: Object.fromEntries(colours.map((name, index) => [name, colour(index, mode)])),
  pageBackground: { backgroundColor: colour(24, mode), backgroundImageUrl: `${site.server.origin}/${mode}.png` },
});
const theme = {
  ...appearance("light"),
  logoUrl: `${site.server.origin}/logo.png`,
  watermarkUrl: `${site.server.origin}/mark.png`,
  borders: {
    buttonBorderRadius: 3, buttonBorderWidth: 4, cardBorderRadius: 5, cardBorderWidth: 6, inputBorderRadius: 7,
    inputBorderWidth: 8, containerBorderRadius: 9,
  },
  container: { contentAlignment: "center", padding: 21, logoAlignment: "right", logoHeight: 41, exitPosition: "bottom" },
  typography: Object.fromEntries(["text", "display", "button"].map((name) => [name, { fontUrl: `${site.server.origin}/${name}.woff2` }])),
  links: { underline: false },
  shadows: { enabled: false },
  darkMode: { ...appearance("dark"), logoUrl: `${site.server.origin}/dark.png` },
};

const primary = ":is(button, .button):not(.second, .bad)";
const anyButton = ":is(button, .button)";
const typed = "input:not([type=hidden], [type=checkbox], [aria-invalid=true], :focus)";
// In a frame the box is all there is, and has no edge.
const box = "body:not(.popup) > main";
const cards = ":is(.rows, article, .facts, #codes, #number)";
/** Which token shows on which elements, by which property. */
const rules = [
  ["colors.buttonPrimaryText", primary, "color"],
  ["primaryColor", primary, "background-color"],
  ["colors.buttonPrimaryBorder", primary, "border-top-color"],
  ["colors.buttonSecondaryText", ".second", "color"],
  ["colors.buttonSecondaryBackground", ".second", "background-color"],
  ["colors.buttonSecondaryBorder", ".second", "border-top-color"],
  ["borders.buttonBorderRadius", anyButton, "border-start-start-radius"],
  ["borders.buttonBorderWidth", anyButton, "border-top-width"],
  ["typography.button", anyButton, "font-family"],
  ["colors.cardBackground", ":is(.rows, article)", "background-color"],
  ["colors.cardBorder", cards, "border-top-color"],
  ["borders.cardBorderRadius", cards, "border-start-start-radius"],
  ["borders.cardBorderWidth", cards, "border-top-width"],
  ["colors.inputBackground", typed, "background-color"],
  ["colors.inputBorder", typed, "border-top-color"],
  ["borders.inputBorderRadius", "input:not([type=hidden], [type=checkbox])", "border-start-start-radius"],
  ["borders.inputBorderWidth", "input:not([type=hidden], [type=checkbox])", "border-top-width"],
  ["colors.link", "a:not(.button, .row)", "color"],
  ["links.underline", "a:not(.button, .row)", "text-decoration-line"],
  ["colors.headingText", "h1, h2:not(.ways h2), h3, .facts dd, .brand", "color"],
  ["typography.display", "h1, h2:not(.ways h2), h3", "font-family"],
  ["colors.bodyText", "body, .lead, .soft:not([role=alert] *), .ways h2", "color"],
  ["typography.text", "body, p:not(#number), input:not(.code, [type=hidden])", "font-family"],
  ["colors.containerBackground", "main", "background-color"],
  ["colors.containerBorder", box, "border-top-color"],
  ["borders.containerBorderRadius", box, "border-start-start-radius"],
  ["container.padding", "main", "padding-left"],
  ["container.contentAlignment", "main", "text-align"],
  ["shadows.enabled", box, "box-shadow"],
  ["container.logoAlignment", ".brand", "justify-content"],
  ["container.logoHeight", ".brand img", "height"],
  ["colors.divider", ".ways, .facts .what + dl", "border-top-color"],
  ["colors.icon", ".rows .i, article > .i", "background-color"],
  ["colors.icon", "[data-end=quit] .mark, [data-end=review] .mark, [data-end=expired] .mark", "color"],
  ["colors.loader", "#live.waiting", "border-top-color", "::before"],
  ["colors.positive", ".done, .badge, [data-end=success] .mark, .good", "color"],
  ["colors.critical", "[role=alert], .bad, [data-end=blocked] .mark, [data-end=error] .mark", "color"],
  ["colors.critical", "input[aria-invalid=true]:not(:focus)", "border-top-color"],
  ["colors.information", ".note .i", "background-color"],
  ["pageBackground.backgroundColor", "body:not(.popup)", "background-color"],
  ["pageBackground.backgroundImageUrl", "body:not(.popup)", "background-image"],
];
/** What the property of a token computes to. */
function expected(token, mode) {
  const [group, name] = token.split(".");
  const own = mode === "dark" ? theme.darkMode : theme;
  if (group === "primaryColor") return rgb(own.primaryColor);
  if (group === "colors") return rgb(own.colors[name]);
  if (group === "borders") return `${theme.borders[name]}px`;
  if (group === "typography") return new RegExp(`^"?cs-${name}"?,`);
  const others = {
    "links.underline": "none", "shadows.enabled": "none", "container.padding": "21px", "container.contentAlignment": "center",
    "container.logoAlignment": "right", "container.logoHeight": "41px",
    "pageBackground.backgroundColor": rgb(own.pageBackground.backgroundColor),
    "pageBackground.backgroundImageUrl": `url("${own.pageBackground.backgroundImageUrl}")`,
  };
  return others[token];
}

/** The computed values of the elements of each rule that are on the page. */
const computed = (page) =>
  page.evaluate(
    (all) =>
      all.map(([, selector, property, pseudo]) => {
        const seen = [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
        return seen.map((element) => ({ value: getComputedStyle(element, pseudo ?? null).getPropertyValue(property), html: element.outerHTML.slice(0, 120) }));
      }),
    rules,
  );

const met = new Set();
const seenOn = async (page, mode) => {
  const wrong = [];
  const found = await computed(page);
  for (const [index, [token, , property]] of rules.entries()) {
    const want = expected(token, mode);
    for (const { value, html } of found[index]) {
      met.add(`${mode} ${token}`);
      const is = want instanceof RegExp ? want.test(value) : value === want;
      if (!is) wrong.push(`${mode}: ${token}: ${property} is ${value}, and not ${want}, of ${html}`);
    }
  }
  return wrong;
};

test("the theme reaches every element that it names, on every page, light and dark", async (t) => {
  await site.manage("PATCH", "/theme", theme);
  t.after(() => site.manage("PATCH", "/theme", Object.fromEntries(Object.keys(theme).map((name) => [name, null]))));
  const past = await makePast(site, t, { locale: "en" });
  // A stranger's page is of no tenant, and has no theme.
  const themed = pages.filter(({ name }) => name !== "end-error");
  for (const entry of [...themed.filter(({ late }) => !late), ...themed.filter(({ late }) => late)]) {
    await t.test(entry.name, async (t) => {
      const page = await openPage(site.browser, t, { locale: "en", reducedMotion: "reduce", viewport: { width: 1000, height: 800 } });
      await visitPage(entry, { site, page, test: t, attributes: { locale: "en" }, past });
      await page.evaluate(() => document.activeElement?.blur());
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      const wrong = [];
      for (const mode of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: mode });
        wrong.push(...(await seenOn(page, mode)));
      }
      assert.deepEqual(wrong, []);
    });
  }
  for (const mode of ["light", "dark"]) {
    for (const [token] of rules) assert.ok(met.has(`${mode} ${token}`), `${token} is on no page (${mode})`);
  }
});

test("hover and focus have the theme's colours", async (t) => {
  await site.manage("PATCH", "/theme", theme);
  t.after(() => site.manage("PATCH", "/theme", Object.fromEntries(Object.keys(theme).map((name) => [name, null]))));
  const page = await openPage(site.browser, t, { reducedMotion: "reduce" });
  await page.goto((await site.track((await site.withApp()).userId)).url);
  for (const mode of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: mode });
    await page.hover("button");
    const style = (selector, property) => page.locator(selector).evaluate((element, name) => getComputedStyle(element)[name], property);
    assert.equal(await style("button", "backgroundColor"), expected("colors.hover", mode));
    await page.locator("#code").focus();
    assert.equal(await style("#code", "outlineColor"), expected("colors.focus", mode));
    await page.keyboard.press("Tab");
    assert.equal(await style("button", "outlineColor"), expected("colors.focus", mode));
    await page.mouse.move(0, 0);
  }
});
