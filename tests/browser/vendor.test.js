// What is vendored for the hosted pages is what its packages hold, to the byte.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const vendored = (name) => readFile(new URL(`../../functions/hosted-ui/assets/vendor/${name}`, import.meta.url));
const packaged = (path) => readFile(new URL(`node_modules/${path}`, import.meta.url));

for (const [name, path] of [
  ["htmx.min.js", "htmx.org/dist/htmx.min.js"],
  ["htmx.LICENSE", "htmx.org/LICENSE"],
]) {
  test(`${name} is as published`, async () => {
    assert.ok((await vendored(name)).equals(await packaged(path)));
  });
}
