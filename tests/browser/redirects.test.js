// Where a hosted page may lead (T15), with the parser of browsers: whatever is let in, WHATWG `URL` finds on the list too.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { managementKey, secretKey, serve } from "../sdk/node/lib/server.js";
import { basic, call, unique } from "../sdk/node/lib/wire.js";

const server = await serve();
const table = JSON.parse(await readFile(new URL("../suites/hostile/redirects.json", import.meta.url)));
const userId = unique("ada");

before(async () => {
  const authorization = basic(managementKey);
  // A local tenant of the one process learns its list by use; a full one takes in nothing.
  const others = Array.from({ length: 50 - table.list.length }, (_, at) => `https://full-${at}.example`);
  const body = { redirectUrls: [...table.list, ...others] };
  const { status } = await call(`${server.api}/management/tenant`, { method: "PATCH", authorization, body });
  assert.equal(status, 200);
});

const track = (redirectUrl) =>
  call(`${server.api}/users/${userId}/actions/redirected`, { authorization: basic(secretKey), body: { redirectUrl } });

/** The tenant of the suite is a local one: it may lead to this machine. */
const isLoopback = ({ hostname }) => /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

/** Whether a browser, sent there, is at an entry of the list or below it. */
function isListed(text) {
  const url = URL.parse ? URL.parse(text) : URL.canParse(text) && new URL(text);
  if (!url || !["http:", "https:"].includes(url.protocol) || url.username || url.password) return false;
  if (isLoopback(url)) return true;
  return table.list.filter((entry) => entry.startsWith("https:")).some((entry) => {
    const { origin, pathname } = new URL(entry);
    const prefix = pathname.replace(/\/+$/, "");
    return url.origin === origin && (url.pathname === prefix || `${url.pathname}/`.startsWith(`${prefix}/`));
  });
}

test("hostile addresses are refused, or a browser finds them on the list", async () => {
  assert.ok(table.refused.length >= 200);
  let refused = 0;
  for (const url of table.refused) {
    const { status } = await track(url);
    if (status === 400) refused += 1;
    else assert.ok(status === 200 && isLoopback(new URL(url)), `${JSON.stringify(url)}: ${status}`);
  }
  assert.ok(refused >= 400, `${refused} of ${table.refused.length}`);
});

test("what is on the list passes, and is the same to a browser", async () => {
  for (const [url, becomes] of table.passes) {
    assert.equal((await track(url)).status, 200, url);
    assert.equal(new URL(url).href, becomes);
    assert.ok(isListed(url), url);
  }
});

test("of thousands of mutants, none is let in that leads a browser elsewhere", async () => {
  const pieces = [
    "/", "//", "\\", "@", ":", "?", "#", ".", "..", "..;", "%2e", "%2f", "%5c", "%00", "%40", "[", "]", ";", "&", " ", "\t", "\n", "\u3002",
    "\uff0f", "\u00ad", "evil.example", "localhost", "127.0.0.1", "0x7f.1", ":443", ":8443", "app", "/app", "a", "user@", "https:", "http:",
  ];
  // A generator of one's own, so that a failure can be seen again.
  let seed = 20261125;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  let passed = 0;
  for (let round = 0; round < 3000; round += 1) {
    const [start] = table.passes[random(table.passes.length)];
    const at = random(start.length + 1);
    const mutant = start.slice(0, at) + pieces[random(pieces.length)] + start.slice(random(4) ? at : Math.min(at + random(8), start.length));
    const { status } = await track(mutant);
    assert.ok(status === 200 || status === 400, `${JSON.stringify(mutant)}: ${status}`);
    if (status === 400) continue;
    passed += 1;
    assert.ok(isListed(mutant), `${JSON.stringify(mutant)} was let in; a browser reads ${new URL(mutant).href}`);
  }
  assert.ok(passed > 100, `${passed} passed: the mutants are too far off to say anything`);
});
