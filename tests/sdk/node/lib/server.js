// The server under test: one started on a free loopback port with its store in memory and stopped again, or, where
// COUNTERSIGN_TEST_API_URL names one (`http://.../v1`), a deployment that is already there, with a tenant of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { after, afterEach } from "node:test";
import { setTimeout } from "node:timers/promises";

export const deployed = process.env.COUNTERSIGN_TEST_API_URL;
const ofDeployment = (name, otherwise) => {
  if (!deployed) return otherwise;
  assert.ok(process.env[name], `set ${name} too, for the deployment at COUNTERSIGN_TEST_API_URL`);
  return process.env[name];
};

export const tenantId = ofDeployment("COUNTERSIGN_TEST_TENANT_ID", "tenant-under-test");
export const secretKey = ofDeployment("COUNTERSIGN_TEST_SECRET_KEY", "secret-key-under-test-0123456789");
export const managementKey = ofDeployment("COUNTERSIGN_TEST_MANAGEMENT_KEY", "management-key-under-test-0123456789");

const repository = path.resolve(import.meta.dirname, "../../../..");

/** Starts a server for the calling test file: stopped after its last test, its log printed for a test that failed. */
export async function serve() {
  if (deployed) return { origin: new URL(deployed).origin, api: deployed };
  const server = await start();
  afterEach((test) => {
    if (!test.passed) console.error(`--- server log at the end of "${test.name}" ---\n${server.log()}`);
  });
  after(() => server.stop());
  return server;
}

/** Starts a server that somebody else stops; its store is in memory, or where `where` says. */
export async function start(where = ["--memory"]) {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(binary(), ["--listen", address, ...where], {
    cwd: repository,
    env: {
      ...process.env,
      COUNTERSIGN_LISTEN: address,
      COUNTERSIGN_TENANT_ID: tenantId,
      COUNTERSIGN_SECRET_KEY: secretKey,
      COUNTERSIGN_MANAGEMENT_KEY: managementKey,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);

  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (log += text));
  let ended;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = code ?? signal));

  const origin = `http://${address}`;
  try {
    await until("the server answers /healthz with 200", async () => {
      assert.equal(ended, undefined, `the server ended at its start: ${ended}\n${log}`);
      const response = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      return response?.status === 200;
    });
  } catch (error) {
    killed();
    throw new Error(`${error.message}\n--- server log ---\n${log}`);
  }

  return {
    origin,
    api: `${origin}/v1`,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      await until("the server ends after SIGTERM", () => ended !== undefined);
      process.off("exit", killed);
      assert.equal(ended, 0, `the server ended with ${ended} after SIGTERM\n${log}`);
    },
  };
}

export function binary() {
  return process.env.COUNTERSIGN_BIN ?? built("countersign");
}

/** A program of this repository. */
export function built(name) {
  const file = path.join(path.resolve(repository, process.env.CARGO_TARGET_DIR ?? "target"), "release", name);
  assert.ok(existsSync(file), `${file} is missing: run \`cargo build --release --workspace\``);
  return file;
}

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve, reject) => listener.once("listening", resolve).once("error", reject));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/**
 * Polls `condition` until it gives something true, and throws after `seconds`. They are there to end a test that is lost, and
 * no promise of the product: under `nice -n 19` beside two busy cores a page alone takes ten seconds to open.
 */
export async function until(what, condition, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const met = await condition();
    if (met) return met;
    await setTimeout(25);
  }
  throw new Error(`waited ${seconds} s in vain: ${what}`);
}
