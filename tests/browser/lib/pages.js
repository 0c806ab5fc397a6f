// Every hosted page, and how somebody gets there. Used wherever something must hold for all of them.
import { currentCode, wrongCode } from "../../sdk/node/lib/totp.js";
import { tenantId } from "../../sdk/node/lib/server.js";
import { unique } from "../../sdk/node/lib/wire.js";
import { chooseApp, field, openMenu, picture, setUpApp, type } from "./user.js";

/** A first code of an app that is added to others allows what the backend asked for, and no more. */
export const everything = "read:authenticators add:authenticators update:authenticators remove:authenticators";

/**
 * Brings `page` to the settings of a new user with an app, and a phone where `withPhone` is set.
 * A first enrolment may manage at once; later visits come through a challenge.
 */
export async function openSettings({ site, page, test, attributes = {} }, { withPhone = false, name } = {}) {
  const userId = unique("ada");
  if (withPhone) await site.withPhone(test, userId, ["--name", "Ada's phone"]);
  const scope = withPhone ? everything : undefined;
  const { url } = await site.track(userId, { redirectToSettings: true, scope, deviceId: unique("laptop"), ...attributes });
  if (withPhone) await page.goto(url.replace("/challenge?", "/set-up?"));
  else await page.goto(url);
  const made = await setUpApp(page, { name });
  await page.locator("article.authenticator").first().waitFor();
  return { userId, url, ...made };
}

const go = async ({ site, page, attributes }, userId, { path, query = "", action, more } = {}) => {
  const { url, token } = await site.track(userId, { ...attributes, ...more }, action);
  await page.goto((path ? url.replace("/challenge?", `${path}?`) : url) + query);
  return { url, token, userId };
};

/** A new phone scans the picture of a new user's page, and waits; the page asks whether it is theirs. */
async function scanWithPhone(visit) {
  await go(visit, unique("grace"), { path: "/set-up", query: "&kind=phone" });
  await visit.page.locator("#live").waitFor();
  const enrolling = visit.site.newPhone(visit.test).start("enroll", await picture(visit.page), "--name", "Grace's phone");
  await enrolling.see(/\d{3} \d{3}/);
  await visit.page.locator("button#yes").waitFor();
}

/** A payment that the tenant has named, with what of it the user is shown. */
async function pay({ site, page, attributes }, userId, query = "", more = {}) {
  const action = await site.payment();
  const custom = { amount: 480, currency: "EUR", payee: "Northwind Traders Ltd" };
  await site.sdk.updateUser({ userId, attributes: { email: "ada@example.com" } });
  const { url } = await site.track(userId, { ...attributes, custom, ...more }, action);
  await page.goto(url + query);
}

const enforced = { confirmation: "Enforce 2FA", by: "the tests" };

/** By name: how to get there (`open`), what is on it (`shows`), and with which end (`end`). `late` ones come last. */
export const pages = [
  {
    name: "challenge",
    shows: field,
    async open(visit) {
      await go(visit, (await visit.site.withApp()).userId);
    },
  },
  {
    name: "challenge-wrong",
    shows: "#problem",
    async open(visit) {
      const { userId, secret } = await visit.site.withApp();
      await go(visit, userId);
      await type(visit.page, wrongCode(secret));
    },
  },
  {
    name: "challenge-locked",
    shows: "#locked",
    async open(visit) {
      const { userId, secret } = await visit.site.withApp();
      const { token } = await visit.site.track(userId);
      await visit.site.spendGuesses(token, wrongCode(secret));
      await go(visit, userId);
    },
  },
  {
    name: "challenge-ways",
    shows: "a.way",
    async open(visit) {
      const { userId } = await visit.site.withApp();
      await visit.site.withPhone(visit.test, userId);
      await go(visit, userId);
    },
  },
  {
    name: "challenge-payment",
    shows: "#facts .what",
    async open(visit) {
      const { userId } = await visit.site.withApp();
      await visit.site.withPhone(visit.test, userId);
      await pay(visit, userId);
    },
  },
  {
    name: "challenge-phone",
    shows: 'form button[type="submit"]',
    async open(visit) {
      await go(visit, (await visit.site.withPhone(visit.test)).userId, { query: "&way=phone" });
    },
  },
  {
    name: "waiting",
    shows: "#number",
    async open(visit) {
      await go(visit, (await visit.site.withPhone(visit.test)).userId, { query: "&way=phone" });
      await visit.page.click('form button[type="submit"]');
    },
  },
  {
    name: "waiting-payment",
    shows: "#number",
    async open(visit) {
      const { userId } = await visit.site.withPhone(visit.test, undefined, ["--name", "Pixel 9", "--push-token", "demo"]);
      await pay(visit, userId, "&way=phone");
      await visit.page.click('form button[type="submit"]');
    },
  },
  {
    name: "waiting-denied",
    shows: "#problem",
    async open(visit) {
      const { userId, phone } = await visit.site.withPhone(visit.test);
      await go(visit, userId, { query: "&way=phone" });
      await visit.page.click('form button[type="submit"]');
      await visit.page.locator("#number").waitFor();
      await phone.run(["deny"]);
    },
  },
  {
    name: "challenge-recovery",
    shows: "input#recovery-code",
    async open(visit) {
      await go(visit, (await visit.site.withApp()).userId, { query: "&way=recovery" });
    },
  },
  {
    name: "lost",
    shows: "#steps",
    async open(visit) {
      const { userId, codes } = await openSettings(visit);
      await go(visit, userId, { query: "&way=recovery" });
      await visit.page.fill("input#recovery-code", codes[0]);
      await visit.page.click('form button[type="submit"]');
    },
  },
  {
    name: "qr-code",
    shows: "#qr svg",
    async open({ site, page }) {
      await page.goto(`${site.server.origin}/qr-code/${tenantId}?action=sign-in`);
    },
  },
  {
    name: "choose",
    shows: "a#choose-app",
    async open(visit) {
      await go(visit, unique("ada"), { path: "/set-up" });
    },
  },
  {
    name: "app",
    shows: "#secret",
    async open(visit) {
      await go(visit, unique("ada"));
      await chooseApp(visit.page);
    },
  },
  {
    name: "app-wrong",
    shows: "#problem",
    async open(visit) {
      await go(visit, unique("ada"));
      await type(visit.page, wrongCode(await chooseApp(visit.page)));
    },
  },
  {
    name: "phone",
    shows: "#live",
    async open(visit) {
      await go(visit, unique("grace"), { path: "/set-up", query: "&kind=phone" });
    },
  },
  {
    name: "pair",
    shows: 'main[data-page="pair"]',
    async open(visit) {
      await go(visit, unique("grace"), { path: "/set-up", query: "&kind=phone" });
      await visit.page.goto(await visit.page.locator("#link").getAttribute("href"));
    },
  },
  {
    name: "pairing",
    shows: "button#yes",
    async open(visit) {
      await scanWithPhone(visit);
    },
  },
  {
    name: "phone-refused",
    shows: "#problem",
    async open(visit) {
      await scanWithPhone(visit);
      await visit.page.click("button#no");
    },
  },
  {
    name: "paired",
    shows: 'input[name="act"][value="paired"] ~ button',
    async open(visit) {
      await scanWithPhone(visit);
      await visit.page.click("button#yes");
    },
  },
  {
    name: "codes",
    shows: "#codes",
    async open(visit) {
      await go(visit, unique("ada"));
      await type(visit.page, currentCode(await chooseApp(visit.page)));
    },
  },
  {
    name: "settings",
    shows: "article.authenticator",
    async open(visit) {
      await openSettings(visit, { withPhone: true, name: "Work phone" });
    },
  },
  {
    name: "settings-renamed",
    shows: "#done",
    async open(visit) {
      await openSettings(visit);
      const card = visit.page.locator("article.authenticator").first();
      await card.locator("summary").click();
      await card.locator('input[name="name"]').fill("Another name");
      await card.locator('details button[type="submit"]').first().click();
    },
  },
  {
    name: "remove",
    shows: "dialog#confirm",
    async open(visit) {
      await openSettings(visit, { name: "Old phone" });
      await openMenu(visit.page.locator("article.authenticator").first());
      await visit.page.locator("article.authenticator a.remove").first().click();
    },
  },
  {
    name: "end-success",
    end: "success",
    async open(visit) {
      const { userId, secret } = await visit.site.withApp();
      await go(visit, userId, { more: { redirectUrl: undefined } });
      await type(visit.page, currentCode(secret));
    },
  },
  {
    name: "end-payment",
    end: "success",
    async open(visit) {
      const { userId, secret } = await visit.site.withApp();
      await pay(visit, userId, "", { redirectUrl: undefined });
      await type(visit.page, currentCode(secret));
    },
  },
  {
    name: "end-nothing",
    end: "success",
    async open(visit) {
      const action = await visit.site.actionThatIs("ALLOW");
      await go(visit, (await visit.site.withApp()).userId, { action });
    },
  },
  {
    name: "end-quit",
    end: "quit",
    async open(visit) {
      await go(visit, (await visit.site.withApp()).userId, { query: "&mode=popup" });
      await visit.page.click("a.quit");
    },
  },
  {
    name: "end-blocked",
    end: "blocked",
    async open(visit) {
      await go(visit, unique("ada"), { action: await visit.site.actionThatIs("BLOCK") });
    },
  },
  {
    name: "end-review",
    end: "review",
    async open(visit) {
      await go(visit, unique("ada"), { action: await visit.site.actionThatIs("REVIEW") });
    },
  },
  {
    name: "end-no-way",
    end: "error",
    async open(visit) {
      const action = await visit.site.actionThatIs("CHALLENGE", { verificationMethods: ["PUSH"] });
      await go(visit, (await visit.site.withApp()).userId, { action });
    },
  },
  {
    name: "end-error",
    end: "error",
    status: 401,
    async open({ site, page }) {
      await page.goto(`${site.server.origin}/challenge?token=rubbish`);
    },
  },
  {
    name: "end-expired",
    end: "expired",
    status: 401,
    late: true,
    async open({ site, page, past }) {
      await past.over(past.token);
      await page.goto(past.url);
    },
  },
  {
    // Enforcement is never turned off again: what follows it lives with it.
    name: "why",
    shows: "#why",
    late: true,
    async open(visit) {
      await visit.site.manage("POST", "/two-factor-enforcement", enforced);
      await go(visit, unique("ada"));
    },
  },
];

/** What `open` of the page `end-expired` needs, made early. */
export const makePast = (site, test, attributes) =>
  site.shortLived(test, async () => site.track((await site.withApp()).userId, attributes));

/** Waits until the page is what it is called. */
export async function arrive(page, entry) {
  await page.locator(entry.shows ?? `main[data-end="${entry.end}"]`).first().waitFor();
  return page;
}

/** Opens a page and waits for it. */
export async function visitPage(entry, visit) {
  await entry.open(visit);
  await arrive(visit.page, entry);
}
