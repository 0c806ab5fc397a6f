// What a hostile name, address, site or frame can do to the hosted pages: nothing.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { until } from "../sdk/node/lib/server.js";
import { currentCode, wrongCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { everything, makePast, openSettings, pages, visitPage } from "./lib/pages.js";
import { openSite, stateOf } from "./lib/site.js";
import { field, openMenu, problem, type } from "./lib/user.js";

const site = await openSite();
const { server, sdk, shop } = site;
const past = await makePast(site, undefined);
const all = [...pages.filter(({ late }) => !late), ...pages.filter(({ late }) => late)];

/** Script in every place that a browser runs it: text, attribute with each quote, address, style, comment, template. */
const polyglots = [
  `"><script>window.hacked=1</script>`,
  `'"><img src=x onerror=window.hacked=1>`,
  `</title></style></script><svg onload=window.hacked=1>`,
  "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(window.hacked=1)//%0D%0A--></stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=window.hacked=1//>\\x3e",
  `{{7*7}}\${7*7}<%= 7*7 %>\u202e\u0000&lt;b&gt;`,
  `" autofocus onfocus="window.hacked=1" hx-get="/x" hx-trigger="load" hx-on:load="window.hacked=1`,
];
/** A page that notes each script that ran, each violation of its content policy, and each thing that its console calls an error. */
async function openWatched(t, options) {
  const page = await openPage(site.browser, t, options);
  const seen = [];
  await page.context().exposeFunction("noteViolation", (text) => seen.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
      window.noteViolation(`${effectiveDirective} ${blockedURI} ${sample}`));
  });
  page.on("dialog", (dialog) => (seen.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    const known = [server.origin, shop.origin].includes(origin) || protocol === "data:" || protocol === "blob:";
    if (!known) seen.push(`request: ${request.url()}`);
  });
  const trouble = async () => {
    if (await page.evaluate(() => window.hacked !== undefined).catch(() => false)) seen.push(`script ran at ${page.url()}`);
    // The console's note that an answer had a status of 4xx is no trouble.
    const console = page.problems.filter((text) => !/^Failed to load resource: .* status of 4\d\d /.test(text));
    return [...seen, ...console];
  };
  return { page, trouble };
}

test("no page runs a script of a name, breaks its own policy, or logs an error", async (t) => {
  for (const [index, name] of polyglots.filter((text) => !text.includes("\u0000")).entries()) {
    const tenantName = name.slice(0, 64);
    await t.test(`names like ${JSON.stringify(name.slice(0, 40))} (${index})`, async (t) => {
      await site.configure(t, { name: tenantName });
      // The SDK puts an id into its path as it is.
      const userId = `${unique("ada")}${name.replaceAll(/[/?#%\\]/g, "")}`;
      const { secret } = await site.withApp(userId);
      const [{ userAuthenticatorId }] = await sdk.getAuthenticators({ userId });
      const attributes = { username: name.slice(0, 200), email: "ada@example.com", deviceId: name, userAgent: name, locale: name.slice(0, 30) };
      await sdk.updateUser({ userId, attributes: { displayName: name, username: name } });
      const { page, trouble } = await openWatched(t);
      await page.goto((await site.track(userId, { ...attributes, redirectToSettings: true })).url);
      await type(page, wrongCode(secret));
      await problem(page);
      await type(page, currentCode(secret));
      await page.locator("article.authenticator").first().waitFor();
      const card = page.locator(`article.authenticator[data-id="${userAuthenticatorId}"]`);
      await card.locator("summary").click();
      await card.locator('input[name="name"]').fill(name.slice(0, 64));
      await card.locator('details button[type="submit"]').first().click();
      await page.locator("#done, #problem").first().waitFor();
      await openMenu(page.locator("article.authenticator").first());
      await page.locator("article.authenticator a.remove").first().click();
      await page.locator("dialog#confirm").waitFor();
      assert.ok((await page.title()).length > 0);
      assert.deepEqual(await trouble(), []);
    });
  }
});

test("a phone's name and model are text on the settings", async (t) => {
  const userId = unique("grace");
  await site.withPhone(t, userId, ["--name", polyglots[1]]);
  const { page, trouble } = await openWatched(t);
  const { url } = await site.track(userId, { redirectToSettings: true, scope: everything });
  await page.goto(url.replace("/challenge?", "/set-up?"));
  const { setUpApp } = await import("./lib/user.js");
  await setUpApp(page);
  await page.locator("article.authenticator h3", { hasText: polyglots[1] }).waitFor();
  assert.deepEqual(await trouble(), []);
});

test("nothing in an address is run or shown as more than text", async (t) => {
  const { userId } = await site.withApp();
  const { url } = await site.track(userId);
  const token = new URL(url).searchParams.get("token");
  const { page, trouble } = await openWatched(t);
  for (const path of ["/challenge", "/set-up", "/settings"]) {
    for (const name of ["token", "way", "kind", "challenge", "remove", "mode", "nativeScheme", "had", "quit", "error", "state"]) {
      const text = polyglots[3];
      const query = new URLSearchParams(name === "token" ? { token: text } : { token, [name]: text });
      const response = await page.goto(`${server.origin}${path}?${query}`);
      assert.ok(response.status() < 500, `${path} ${name}: ${response.status()}`);
      await page.locator("main").waitFor();
    }
  }
  for (const strange of ["?token=%00", "?token=%ff%fe", "?", `?token=${"a".repeat(7000)}`, `?token=${token}&token=x`, "?%", "?token[]=x"]) {
    const response = await page.goto(`${server.origin}/challenge${strange}`);
    assert.ok(response.status() < 500, `${strange.slice(0, 40)}: ${response.status()}`);
  }
  assert.deepEqual(await trouble(), []);
});

test("a theme is refused, or is no more than colours and pictures", async (t) => {
  const hostile = [
    { primaryColor: "red;}</style><script>window.hacked=1</script>" },
    { logoUrl: "javascript:window.hacked=1" },
    { logoUrl: `https://cdn.example/x.png"onerror="window.hacked=1` },
    { faviconUrl: "data:text/html,<script>window.hacked=1</script>" },
    { name: polyglots[2] },
    { pageBackground: { backgroundImageUrl: "https://cdn.example/x.png);}*{background:url(https://evil.example/" } },
    { typography: { text: { faces: [{ url: "https://cdn.example/f.woff2');@import 'https://evil.example", weight: "400" }] } } },
    { borders: { buttonBorderRadius: "1px;} body{display:none" } },
    { colors: { link: "expression(alert(1))" } },
    { darkMode: { colors: { link: "#fff;}</style>" } } },
  ];
  const reset = () => site.manage("PATCH", "/theme", Object.fromEntries(["primaryColor", "logoUrl", "faviconUrl", "name", "pageBackground", "typography", "borders", "colors", "darkMode"].map((key) => [key, null])));
  t.after(reset);
  const { userId } = await site.withApp();
  for (const theme of hostile) {
    const taken = await site.manage("PATCH", "/theme", theme).then(() => true, (error) => /invalid/.test(error.message) ? false : Promise.reject(error));
    const { page, trouble } = await openWatched(t);
    await page.goto((await site.track(userId)).url);
    await page.locator(field).waitFor();
    assert.ok(await page.locator("main").isVisible());
    assert.deepEqual(await trouble(), [], `${taken ? "taken" : "refused"}: ${JSON.stringify(theme)}`);
    await page.context().close();
    if (taken) await reset();
  }
});

/** Header by header, for a page and for what it loads. */
function assertPageHeaders(response) {
  const headers = response.headers();
  const seen = `${response.request().method()} ${response.status()} ${response.url().slice(0, 80)} ${JSON.stringify(headers)}`;
  assert.equal(headers["referrer-policy"], "no-referrer", seen);
  assert.equal(headers["x-content-type-options"], "nosniff", seen);
  assert.match(headers["cache-control"] ?? "", /\bno-store\b/, seen);
  assert.match(headers["strict-transport-security"] ?? "", /max-age=\d{7,}/, seen);
  if (!headers["content-type"]?.startsWith("text/html")) return;
  const isPopup = /[?&]mode=popup/.test(response.url()) || /mode=popup/.test(response.request().postData() ?? "");
  assert.equal(headers["cross-origin-opener-policy"], isPopup ? "unsafe-none" : "same-origin", seen);
  const policy = new Map((headers["content-security-policy"] ?? "").split(";").map((one) => one.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
  const of = (name) => policy.get(name) ?? policy.get("default-src") ?? [];
  assert.deepEqual(policy.get("default-src"), ["'none'"], seen);
  assert.ok(of("script-src").some((source) => /^'nonce-[\w-]{20,}'$/.test(source)), seen);
  for (const name of ["script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem"]) {
    for (const unsafe of ["'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:"]) assert.ok(!of(name).includes(unsafe), `${name} ${unsafe}: ${seen}`);
  }
  assert.ok(!of("script-src").includes("'self'"), "only what the nonce names runs");
  assert.deepEqual(policy.get("base-uri"), ["'none'"], seen);
  assert.ok(policy.get("form-action")?.includes("'self'"), seen);
  const ancestors = policy.get("frame-ancestors");
  assert.ok(ancestors?.length && (isPopup || ancestors.join() === "'none'"), seen);
  return headers["content-security-policy"].match(/'nonce-([\w-]+)'/)[1];
}

test("every page has the headers that keep the token in and scripts out, and breaks none of them", async (t) => {
  const nonces = [];
  const assets = new Map();
  for (const entry of all) {
    await t.test(entry.name, async (t) => {
      const { page, trouble } = await openWatched(t, { reducedMotion: "reduce" });
      const answers = [];
      page.on("response", (response) => response.url().startsWith(server.origin) && answers.push(response));
      await visitPage(entry, { site, page, test: t, attributes: {}, past });
      assert.ok(answers.some((response) => response.request().isNavigationRequest()));
      for (const response of answers) {
        if (new URL(response.url()).pathname.startsWith("/assets/")) assets.set(response.url(), response.headers());
        else nonces.push(assertPageHeaders(response));
      }
      // As it was sent: a picture that was taken of a page leaves styles in it.
      for (const response of answers.filter((one) => one.headers()["content-type"]?.startsWith("text/html"))) {
        const sent = await response.text().catch(() => "");
        assert.doesNotMatch(sent, /<[^>]+\s(?:style|on[a-z]+)=/, "no inline handler or style");
      }
      assert.deepEqual(await trouble(), []);
    });
  }
  const given = nonces.filter(Boolean);
  assert.equal(new Set(given).size, given.length, "each page has a nonce of its own");
  assert.ok(assets.size >= 2);
  for (const [url, headers] of assets) {
    assert.match(url, /-[0-9a-zA-Z_-]{8,}\.(css|js)$/, url);
    assert.match(headers["cache-control"], /max-age=31536000/, url);
    assert.match(headers["cache-control"], /immutable/, url);
    assert.equal(headers["x-content-type-options"], "nosniff", url);
    assert.match(headers["content-type"], /^text\/(css|javascript)/, url);
  }
  assert.equal([...assets.keys()].filter((url) => url.endsWith(".css")).length, 1, "one stylesheet");
});

/** A site of somebody else with this page. */
async function openElsewhere(t, html) {
  const listener = createServer((_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    listener.close();
    listener.closeAllConnections();
  });
  return `http://evil.example:${listener.address().port}/`;
}

const hiddenFields = async (page) =>
  page.locator('form input[type="hidden"]').evaluateAll((inputs) => Object.fromEntries(inputs.map(({ name, value }) => [name, value])));
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

test("a form that another site fills in is refused, even with the right code and a fresh state", async (t) => {
  const { userId, secret } = await site.withApp();
  const { url, token } = await site.track(userId);
  const page = await openPage(site.browser, t);
  await page.goto(url);
  const fields = { ...(await hiddenFields(page)), code: currentCode(secret) };
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${escape(value)}">`).join("");
  const address = await openElsewhere(t, `<!doctype html><link rel="icon" href="data:,"><form method="post" action="${server.origin}/challenge">${inputs}<button>Win</button></form>`);
  const victim = await openPage(site.browser, t);
  await victim.goto(address);
  const answered = victim.waitForResponse((response) => response.url().startsWith(server.origin) && response.request().method() === "POST");
  await victim.click("button");
  assert.equal((await answered).status(), 403);
  await victim.locator('main[data-end="error"]').waitFor();
  assert.equal(await stateOf(site, token), "CHALLENGE_REQUIRED");
  // The state is not spent by it: the user's own page still works.
  await page.fill(field, fields.code);
  await page.waitForURL(`${shop.origin}/done?**`);
});

test("a form without a seal, or with that of another action, does nothing", async (t) => {
  const { userId, secret } = await site.withApp();
  const [one, two] = [await site.track(userId), await site.track(userId)];
  const page = await openPage(site.browser, t);
  await page.goto(two.url);
  const { seal } = await hiddenFields(page);
  const post = (fields) => fetch(`${server.origin}/challenge`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  const code = currentCode(secret);
  for (const wrong of [{}, { seal: "" }, { seal: "AAAA" }, { seal }, { seal: `${seal.slice(0, -4)}AAAA` }]) {
    const answer = await post({ token: one.token, code, way: "app", ...wrong });
    assert.equal(answer.status, 403, JSON.stringify(wrong));
  }
  assert.equal(await stateOf(site, one.token), "CHALLENGE_REQUIRED");
  assert.equal((await post({ token: two.token, code, way: "app", seal })).status, 303);
});

test("a seal that is used twice changes nothing twice", async (t) => {
  const { userId, secret } = await site.withApp();
  const page = await openPage(site.browser, t);
  await page.goto((await site.track(userId)).url);
  const fields = { ...(await hiddenFields(page)), code: wrongCode(secret) };
  const post = async (form, path = "/challenge") =>
    (await fetch(`${server.origin}${path}`, { method: "POST", body: new URLSearchParams(form), redirect: "manual" })).text();
  await site.guess(userId, wrongCode(secret), 6);
  assert.match(await post(fields), /3 attempts are left/);
  for (let times = 0; times < 5; times += 1) assert.match(await post(fields), /sent already/);
  await type(page, wrongCode(secret)); // Its seal is spent too.
  await page.locator("#problem", { hasText: "sent already" }).waitFor();
  await type(page, wrongCode(secret));
  await page.locator("#problem", { hasText: "2 attempts are left" }).waitFor();

  const owner = await openPage(site.browser, t);
  const { userId: other } = await openSettings({ site, page: owner, test: t }, { name: "First" });
  const form = await owner.locator("article.authenticator details form:has(input[name=name]) input").evaluateAll((inputs) => Object.fromEntries(inputs.map(({ name, value }) => [name, value])));
  const nameOf = async () => (await sdk.getAuthenticators({ userId: other }))[0].displayName;
  await post({ ...form, name: "Second" }, "/settings");
  assert.equal(await nameOf(), "Second");
  await post({ ...form, name: "Third" }, "/settings");
  assert.equal(await nameOf(), "Second");
});

test("no page can be put into a frame where it is not a popup, not even by the shop", async (t) => {
  await site.configure(t, { redirectUrls: [shop.origin] });
  const { url } = await site.track((await site.withApp()).userId);
  const page = await openPage(site.browser, t);
  await page.goto(shop.origin);
  for (const path of ["/challenge?", "/set-up?", "/settings?"]) {
    page.problems.length = 0;
    await page.evaluate((src) => document.body.append(Object.assign(document.createElement("iframe"), { src })), url.replace("/challenge?", path));
    await until("the frame is refused", () => page.problems.some((text) => /frame-ancestors|X-Frame-Options/.test(text)));
  }
});

test("the first challenge page transfers less than 60 KB, and a second visit next to nothing", async (t) => {
  const { userId } = await site.withApp();
  const page = await openPage(site.browser, t);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  let bytes = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto((await site.track(userId)).url, { waitUntil: "networkidle" });
  t.diagnostic(`first visit: ${bytes} bytes`);
  assert.ok(bytes > 1_000 && bytes < 60 * 1024, `${bytes} bytes`);
  bytes = 0;
  await page.goto((await site.track(userId)).url, { waitUntil: "networkidle" });
  t.diagnostic(`second visit: ${bytes} bytes`);
  assert.ok(bytes < 12 * 1024, `${bytes} bytes`);
});
