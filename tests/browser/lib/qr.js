// What a phone's camera reads off the screen.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** The text of the QR code that the page shows. */
export async function scan(page) {
  const folder = mkdtempSync(path.join(tmpdir(), "countersign-"));
  try {
    const screenshot = path.join(folder, "page.png");
    await page.screenshot({ path: screenshot, fullPage: true });
    return execFileSync("zbarimg", ["--quiet", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", screenshot], { encoding: "utf8" }).trim();
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("zbarimg is missing: apt-get install zbar-tools");
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
