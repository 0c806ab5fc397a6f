// The customer's site: a page that loads the browser SDK, and the page that the hosted page returns to.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after } from "node:test";

const sdkBundle = new URL("../node_modules/@authsignal/browser/dist/index.min.js", import.meta.url);
const qrBundle = new URL("../node_modules/qrcode-generator/dist/qrcode.js", import.meta.url);

/** Draws what a phone shall scan, as a shop's own script would. */
const drawScript = `window.draw = (text) => {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  document.querySelector("#qr").innerHTML = code.createSvgTag({ cellSize: 4, margin: 16, scalable: false });
};`;

const scripts = ["authsignal", "qrcode", "draw"].map((name) => `<script src="/${name}.js"></script>`).join("");
const html = (body) => `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">${body}</html>`;

/** Serves the shop for the calling test file; `localhost` is another origin than the server's 127.0.0.1. */
export async function openShop() {
  const files = {
    "/": ["text/html", html(`<div id="qr"></div><p id="number"></p>${scripts}`)],
    "/authsignal.js": ["text/javascript", await readFile(sdkBundle)],
    "/qrcode.js": ["text/javascript", await readFile(qrBundle)],
    "/draw.js": ["text/javascript", drawScript],
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
