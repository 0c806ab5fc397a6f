// Phones: real `phone` processes (infra/phone), each with a home and keys of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { built, until } from "../../sdk/node/lib/server.js";

/** What `phone --help` calls its exit codes. */
export const exits = { done: 0, wrong: 1, number: 3, nothingWaits: 4, over: 5, unreachable: 6, forgotten: 7, interrupted: 130 };

/** A new phone; with `test` go its processes and its home. */
export function newPhone(test, api) {
  const home = mkdtempSync(path.join(tmpdir(), "countersign-phone-"));
  const running = new Set();
  test.after(() => {
    for (const child of running) child.kill("SIGKILL");
    rmSync(home, { recursive: true });
  });

  /** Starts it: `see(pattern)` waits until its screen shows that, `type(line)` is the person's keyboard. */
  const start = (...words) => {
    const env = { ...process.env, PHONE_HOME: home, COUNTERSIGN_API: api };
    const child = spawn(built("phone"), words, { env, stdio: ["pipe", "pipe", "pipe"] });
    running.add(child);
    let [screen, read, code] = ["", 0, undefined];
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (screen += text));
    child.stdin.on("error", () => {}); // It may have ended before it was typed to.
    child.once("error", (error) => (code = error.message));
    child.once("close", (status, signal) => {
      code = status ?? signal;
      running.delete(child);
    });
    const named = `phone ${words[0]}`;
    return {
      screen: () => screen,
      type: (line) => child.stdin.write(`${line}\n`),
      closeInput: () => child.stdin.end(),
      interrupt: () => child.kill("SIGINT"),
      /** Waits for what comes after what was seen before. */
      see: (pattern) =>
        until(`${named} shows ${pattern}`, () => {
          const found = screen.slice(read).match(pattern);
          if (found) read += found.index + found[0].length;
          assert.ok(found || code === undefined, `${named} ended with ${code} and did not show ${pattern}:\n${screen}`);
          return found;
        }),
      async end(expected = exits.done) {
        await until(`${named} ends`, () => code !== undefined);
        assert.equal(code, expected, screen);
        return screen;
      },
    };
  };
  return {
    start,
    /** Runs it to its end, with nothing to type. */
    run(words, expected) {
      const process = start(...words);
      process.closeInput();
      return process.end(expected);
    },
    /** A file that this phone may look at. */
    file(name, bytes) {
      const file = path.join(home, name);
      writeFileSync(file, bytes);
      return file;
    },
    home,
  };
}
