// Debian's Chromium, driven without a window.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after } from "node:test";
import { chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Sites of somebody else, which this machine serves.
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

/** Starts a browser for the calling test file. */
export async function openBrowser() {
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium`);
  const browser = await chromium.launch({ executablePath, args });
  after(() => browser.close());
  return browser;
}

/** A page in a profile of its own, closed after `test`; `page.problems` gathers what its console calls an error. */
export async function openPage(browser, test, options) {
  const context = await browser.newContext({ deviceScaleFactor: 2, ...options });
  // It ends a test that is lost: see `until`.
  context.setDefaultTimeout(60_000);
  context.hasScript = options?.javaScriptEnabled;
  const page = await context.newPage();
  page.problems = [];
  test.after(async () => {
    if (!test.passed) console.error(`--- "${test.name}" ended at ${page.url()}`, page.problems);
    await context.close();
  });
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(`${message.text()} (${message.location().url})`);
  });
  return page;
}
