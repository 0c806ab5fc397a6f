// The customer's site: a page that loads the browser SDK, and the page that the hosted page returns to.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after } from "node:test";

const sdkBundle = new URL("../node_modules/@authsignal/browser/dist/index.min.js", import.meta.url);

const html = (body) => `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">${body}</html>`;

/** Serves the shop for the calling test file; `localhost` is another origin than the server's 127.0.0.1. */
export async function openShop() {
  const files = {
    "/": ["text/html", html('<script src="/authsignal.js"></script>')],
    "/authsignal.js": ["text/javascript", await readFile(sdkBundle)],
    "/done": ["text/html", html("<h1>Welcome back</h1>")],
  };
  const listener = createServer((request, response) => {
    const [type, body] = files[request.url.split("?")[0]] ?? [];
    response.writeHead(body ? 200 : 404, { "content-type": type ?? "text/plain" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  after(() => {
    listener.close();
    listener.closeAllConnections();
  });
  const origin = `http://localhost:${listener.address().port}`;
  return { origin, redirectUrl: `${origin}/done?order=42` };
}
