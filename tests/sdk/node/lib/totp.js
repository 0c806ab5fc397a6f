// Codes from oathtool, an implementation that shares nothing with the server's.
import { execFileSync } from "node:child_process";
import { Secret } from "otpauth";
import { until } from "./server.js";

const PERIOD = 30;
const step = () => Math.floor(Date.now() / 1000 / PERIOD);

/** A new secret of 160 bits, in base32. */
export const newSecret = () => new Secret({ size: 20 }).base32;

/** The code of the current step. */
export const currentCode = (secret) => code(secret, step());

/** The code of the step before: the server accepts it too, and so the current one is left for the next challenge. */
export async function previousCode(secret) {
  const secondsLeft = () => PERIOD - (Date.now() / 1000) % PERIOD;
  await until("enough of the current step is left", () => secondsLeft() > 6);
  return code(secret, step() - 1);
}

/** A code that no step near the current one has. */
export function wrongCode(secret) {
  const near = [-2, -1, 0, 1, 2].map((offset) => code(secret, step() + offset));
  return ["000000", "111111", "222222", "333333", "444444", "555555"].find((guess) => !near.includes(guess));
}

function code(secret, atStep) {
  return oathtool(["--totp", "--base32", `--now=@${atStep * PERIOD}`, secret]);
}

/** What oathtool prints. */
export function oathtool(words) {
  try {
    return execFileSync("oathtool", words, { encoding: "utf8" }).trim();
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("oathtool is missing: apt-get install oathtool");
    throw error;
  }
}
