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

for (const n of Array.from({length:40},(_,i)=>i)) test("popup: quitting closes it with the token that was given, and nothing has changed", async (t) => {
  const T=Date.now();const lap=(w)=>console.log("LAP",n,w,Date.now()-T);
  await site.configure(t, listed);
  const { userId } = await site.withApp();
  const { ours, start, frame, result } = await openLauncher(t);
  lap("launcher");const { url, token: given } = await site.track(userId);
  await start(url, { mode: "popup" });
  lap("start");await frame().locator("a.quit").click();
  lap("clicked");const { token } = await result().catch(async (e)=>{lap("LOST");console.log("LAP", JSON.stringify(await page.evaluate(()=>window.messages)), page.frames().map((f)=>f.url().slice(0,60)), await Promise.all(page.frames().map((f)=>f.evaluate(()=>document.title+" "+document.body.dataset.event?.slice(0,40)))));throw e});
  lap("result");assert.equal(token, given);
  assert.equal(assertMessages(await ours()), given);
  assert.equal(await stateOf(site, token), "CHALLENGE_REQUIRED");
});
