// The published browser SDK's `launch()` in all its modes, from a page of another origin (contract, section 2.8).
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { tenantId, until } from "../sdk/node/lib/server.js";
import { currentCode } from "../sdk/node/lib/totp.js";
import { unique } from "../sdk/node/lib/wire.js";
import { openPage } from "./lib/chromium.js";
import { openSite, stateOf } from "./lib/site.js";
import { chooseApp, field, type } from "./lib/user.js";

const site = await openSite();
const { server, shop } = site;
const listed = { redirectUrls: [shop.origin] };
const past = await site.shortLived(undefined, async () => site.track((await site.withApp()).userId));

/** The shop's page, and what it is told: `messages` has everything, `result` what `launch()` gave. */
async function openLauncher(t) {
  const page = await openPage(site.browser, t);
  await page.goto(shop.origin);
  await page.evaluate((options) => {
    window.messages = [];
    window.addEventListener("message", ({ origin, data }) => window.messages.push({ origin, data }));
    window.client = new window.authsignal.Authsignal(options);
    window.start = (url, launch) => {
      const onError = (error) => (window.error = error);
      window.client.launch(url, { ...launch, onError })?.then((result) => (window.result = result));
    };
  }, { baseUrl: server.api, tenantId });
  const ours = async () => (await page.evaluate(() => window.messages)).filter(({ origin }) => origin === server.origin).map(({ data }) => data);
  return {
    page,
    ours,
    start: (url, launch) => page.evaluate(([url, launch]) => window.start(url, launch), [url, launch]),
    frame: () => page.frameLocator("#__authsignal-popup-iframe"),
    result: () => until("launch() gives its result", () => page.evaluate(() => window.result)),
    error: () => until("onError is called", () => page.evaluate(() => window.error)),
  };
}

const isReady = '{"event":"AUTHSIGNAL_READY"}';
const isHeight = (data) => typeof data === "object" && Object.keys(data).join() === "height" && Number.isInteger(data.height) && data.height > 100;

/** The messages are exactly those of the contract: READY first, heights, and one end with a token. */
function assertMessages(messages) {
  assert.equal(messages[0], isReady);
  const ends = messages.filter((data) => data !== isReady && !isHeight(data));
  assert.equal(ends.length, 1, JSON.stringify(messages));
  const end = JSON.parse(ends[0]);
  assert.equal(ends[0], JSON.stringify({ event: "AUTHSIGNAL_CLOSE_POPUP", token: end.token }));
  return end.token;
}

test("redirect: the page is left for the hosted one, and comes back with the token", async (t) => {
  const { userId, secret } = await site.withApp();
  const { page, start } = await openLauncher(t);
  await start((await site.track(userId)).url, undefined);
  await page.locator(field).waitFor();
  await type(page, currentCode(secret));
  await page.waitForURL(`${shop.origin}/done?**`);
  assert.equal(await stateOf(site, new URL(page.url()).searchParams.get("token")), "CHALLENGE_SUCCEEDED");
  assert.deepEqual(page.problems, []);
});

test("popup: ready, as tall as it is, and closed with the token of the success", async (t) => {
  await site.configure(t, listed);
  const { userId, secret } = await site.withApp();
  const { page, ours, start, frame, result } = await openLauncher(t);
  await start((await site.track(userId)).url, { mode: "popup" });
  await frame().locator(field).waitFor();
  await until("the height is told", async () => (await ours()).some(isHeight));
  const [told, drawn] = [(await ours()).find(isHeight).height, await page.locator("#__authsignal-popup-iframe").boundingBox()];
  await until("the frame is as tall", async () => Math.abs((await page.locator("#__authsignal-popup-iframe").boundingBox()).height - told) <= 2, 5).catch(() => {
    assert.fail(`the frame is ${drawn.height} px tall, and was told ${told}`);
  });
  await frame().locator(field).fill(currentCode(secret));
  const { token } = await result();
  assert.equal(await stateOf(site, token), "CHALLENGE_SUCCEEDED");
  assert.equal(assertMessages(await ours()), token);
  assert.deepEqual(page.problems, []);
});

test("popup: quitting closes it with the token that was given, and nothing has changed", async (t) => {
  await site.configure(t, listed);
  const { userId } = await site.withApp();
  const { ours, start, frame, result } = await openLauncher(t);
  const { url, token: given } = await site.track(userId);
  await start(url, { mode: "popup" });
  await frame().locator("a.quit").click();
  const { token } = await result();
  assert.equal(token, given);
  assert.equal(assertMessages(await ours()), given);
  assert.equal(await stateOf(site, token), "CHALLENGE_REQUIRED");
});

test("popup: a new user sets an app up, keeps the codes, and is done", async (t) => {
  await site.configure(t, listed);
  const { page, start, result } = await openLauncher(t);
  await start((await site.track(unique("ada"))).url, { mode: "popup" });
  const frame = await until("the frame is there", () => page.frames().find((frame) => frame.url().startsWith(server.origin)));
  await frame.locator("#secret").waitFor();
  const secret = (await frame.locator("#secret").innerText()).replace(/\s/g, "");
  await frame.fill(field, currentCode(secret));
  await frame.click(`form:has(${field}) button[type="submit"]`);
  await frame.check("#kept");
  await frame.click('form:has(#kept) button[type="submit"]');
  assert.equal(await stateOf(site, (await result()).token), "CHALLENGE_SUCCEEDED");
});

test("popup: on one machine it works without a list, where track named the way back", async (t) => {
  const { userId, secret } = await site.withApp();
  const { start, frame, result } = await openLauncher(t);
  await start((await site.track(userId)).url, { mode: "popup" });
  await frame().locator(field).fill(currentCode(secret));
  assert.equal(await stateOf(site, (await result()).token), "CHALLENGE_SUCCEEDED");
});

for (const [what, quits] of [["success", false], ["quitting", true]]) {
  test(`window: ${what} tells the opener, with a token`, async (t) => {
    await site.configure(t, listed);
    const { userId, secret } = await site.withApp();
    const { page, ours, start, result } = await openLauncher(t);
    const { url, token: given } = await site.track(userId);
    const opened = page.waitForEvent("popup");
    await start(url, { mode: "window" });
    const popup = await opened;
    await popup.locator(field).waitFor();
    if (quits) await popup.click("a.quit");
    else await type(popup, currentCode(secret));
    const { token } = await result();
    assert.equal(assertMessages(await ours()), token);
    assert.equal(await stateOf(site, token), quits ? "CHALLENGE_REQUIRED" : "CHALLENGE_SUCCEEDED");
    if (quits) assert.equal(token, given);
    await until("the window is closed", () => popup.isClosed());
  });
}

test("popup: a token that opens nothing is an API error, and the popup stays", async (t) => {
  await site.configure(t, listed);
  const { url } = await site.track((await site.withApp()).userId);
  const { page, ours, start, error, frame } = await openLauncher(t);
  await start(`${url.slice(0, -6)}AAAAAA`, { mode: "popup" });
  assert.deepEqual(await error(), { errorCode: "invalid_token", statusCode: 401 });
  await frame().locator('main[data-end="error"] #reference').waitFor();
  assert.ok((await ours()).includes('{"event":"AUTHSIGNAL_API_ERROR","errorCode":"invalid_token","statusCode":401}'));
  assert.equal(await page.evaluate(() => window.result), undefined);
});

/** A site of somebody else, which holds `url` in a frame or a window and notes what it is told. */
async function openAttacker(t, url) {
  const listener = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><link rel="icon" href="data:,"><title>Evil</title><body>
<script>window.messages = []; addEventListener("message", ({ origin, data }) => messages.push({ origin, data }));</script>`);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    listener.close();
    listener.closeAllConnections();
  });
  const page = await openPage(site.browser, t);
  await page.goto(`http://attacker.example:${listener.address().port}/`);
  const told = async () => JSON.stringify(await page.evaluate(() => window.messages));
  const hold = () => page.evaluate((src) => document.body.append(Object.assign(document.createElement("iframe"), { src })), url);
  return { page, told, hold };
}

for (const query of ["&mode=popup", "&mode=window", ""]) {
  test(`a site that is not on the list cannot hold the page in a frame (${query || "no mode"})`, async (t) => {
    await site.configure(t, listed);
    const { url } = await site.track((await site.withApp()).userId);
    const { page, hold, told } = await openAttacker(t, url + query);
    await hold();
    await until("the frame is refused", () => page.problems.some((text) => /frame-ancestors|X-Frame-Options/.test(text)));
    assert.equal(await told(), "[]");
    const frame = page.frames().find((frame) => frame !== page.mainFrame());
    assert.equal(await frame.locator(field).count(), 0);
  });
}

test("a site that is not on the list is told no token by a window that it opens", async (t) => {
  await site.configure(t, listed);
  const { userId, secret } = await site.withApp();
  for (const end of ["quit", "success"]) {
    const { url, token } = await site.track(userId);
    const { page, told } = await openAttacker(t, url);
    const opened = page.waitForEvent("popup");
    await page.evaluate((address) => void window.open(`${address}&mode=popup`), url);
    const popup = await opened;
    await popup.locator(field).waitFor();
    if (end === "quit") await popup.click("a.quit");
    else await type(popup, currentCode(secret));
    await popup.locator(`main[data-end="${end}"]`).waitFor();
    // What a page says as it loads has arrived once the opener has answered something that was asked after it.
    await popup.evaluate(() => window.opener?.postMessage("the last word", "*"));
    await until("the last word arrives", async () => (await told()).includes("the last word"));
    assert.ok(!(await told()).includes("CLOSE_POPUP"), await told());
    assert.ok(!(await told()).includes(token.slice(0, 20)), await told());
  }
});

test("the page in no popup is cut off from a window that opened it", async (t) => {
  const { url } = await site.track((await site.withApp()).userId);
  const { page } = await openAttacker(t, url);
  const opened = page.waitForEvent("popup");
  await page.evaluate((address) => void window.open(address), url);
  const popup = await opened;
  await popup.locator(field).waitFor();
  assert.equal(await popup.evaluate(() => window.opener), null);
});

/** Where the answer to the form, or the way out, leads. */
async function leadsTo(t, query, { quits = false, settings } = {}) {
  if (settings) await site.configure(t, settings);
  const { userId, secret } = await site.withApp();
  const { url } = await site.track(userId);
  const page = await openPage(site.browser, t);
  await page.goto(url + query);
  if (quits) return page.getAttribute("a.quit", "href");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await type(page, currentCode(secret));
  return (await answered).headers().location;
}

test("nativeScheme: a finished page, and one that is left, leads to the app", async (t) => {
  for (const quits of [false, true]) {
    const location = new URL(await leadsTo(t, "&nativeScheme=authsignal", { quits }));
    assert.equal(`${location.protocol}//${location.host}`, "authsignal://auth");
    assert.deepEqual([...location.searchParams.keys()], ["token"]);
    const state = await stateOf(site, location.searchParams.get("token"));
    assert.equal(state, quits ? "CHALLENGE_REQUIRED" : "CHALLENGE_SUCCEEDED");
  }
  const listedApp = { redirectUrls: ["mybank:"] };
  assert.match(await leadsTo(t, "&nativeScheme=mybank", { settings: listedApp }), /^mybank:\/\/auth\?token=/);
});

test("nativeScheme: what is not on the list is as if it were not there", async (t) => {
  for (const scheme of ["evil", "javascript", "https", "data", "AUTHSIGNAL", "authsignal%3A//x", "intent", "%00authsignal"]) {
    const location = await leadsTo(t, `&nativeScheme=${scheme}`, { quits: true });
    assert.ok(location.startsWith(`${shop.origin}/done?`), `${scheme} leads to ${location}`);
  }
  assert.ok((await leadsTo(t, "&nativeScheme=evil")).startsWith(`${shop.origin}/done?`));
});

test("force_enrollment: after the challenge comes the set-up of one more", async (t) => {
  const { userId, secret } = await site.withApp();
  const { url } = await site.track(userId);
  const page = await openPage(site.browser, t);
  await page.goto(`${url}&force_enrollment=true`);
  await type(page, currentCode(secret));
  await page.waitForURL("**/set-up?**");
  assert.equal(new URL(page.url()).searchParams.get("force_enrollment"), "true");
  // The backend that brought the first one along has the recovery codes.
  const second = await chooseApp(page);
  await page.fill("input#name", "Second");
  await type(page, currentCode(second));
  await page.waitForURL(`${shop.origin}/done?**`);
  assert.equal((await site.sdk.getAuthenticators({ userId })).filter(({ verificationMethod }) => verificationMethod === "AUTHENTICATOR_APP").length, 2);
});

test("popup: an expired page is an API error of its own", async (t) => {
  await site.configure(t, listed);
  await past.over(past.token);
  const { start, error } = await openLauncher(t);
  await start(past.url, { mode: "popup" });
  assert.deepEqual(await error(), { errorCode: "expired_token", statusCode: 401 });
});
