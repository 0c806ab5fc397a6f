// A server, a shop and a browser for one test file, and users with phones.
import { sdkFor } from "../../sdk/node/lib/sdk.js";
import { managementKey, serve, until } from "../../sdk/node/lib/server.js";
import { basic, call, unique } from "../../sdk/node/lib/wire.js";
import { openBrowser } from "./chromium.js";
import { openClientPage, photograph, setToken } from "./client.js";
import { newPhone } from "./phone.js";
import { openShop } from "./shop.js";

export const action = "sign-in";

export async function openWorld() {
  const server = await serve();
  const [shop, browser, sdk] = [await openShop(), await openBrowser(), sdkFor(server)];
  const track = (userId, attributes) => sdk.track({ userId, action, attributes });

  return {
    server,
    sdk,
    track,
    openPage: (test) => openClientPage(browser, test, { shop, server }),
    shop,

    /** Changes the tenant, and changes it back after the test. */
    async configure(test, settings, usual) {
      const patch = (body) => call(`${server.api}/management/tenant`, { method: "PATCH", authorization: basic(managementKey), body });
      test.after(() => patch(usual));
      return patch(settings);
    },

    /** A user with a phone that scanned the token of an action off the shop's page. */
    async userWithPhone(test, page, kind = "push", options = []) {
      const userId = unique("grace");
      return { userId, phone: await this.phoneOf(test, page, userId, kind, options) };
    },

    /** One more phone of a user. */
    async phoneOf(test, page, userId, kind = "push", options = []) {
      const phone = newPhone(test, server.api);
      const { token } = await sdk.track({ userId, action: "pair", attributes: { scope: "add:authenticators" } });
      const picture = phone.file("enrolment.png", await photograph(page, token));
      await phone.run(["enroll", picture, "--kind", kind, ...options]);
      return phone;
    },

    /** Tracks a sign-in, and asks by push with the SDK; the page polls with `pushIsOver`. */
    async ask(page, userId, attributes) {
      const tracked = await track(userId, attributes);
      await setToken(page, tracked.token);
      const { data, errorCode } = await page.evaluate((value) => window.client.push.challenge({ action: value }), action);
      return { ...tracked, asked: data, errorCode };
    },

    /** Polls with the SDK until the push is answered or over. */
    pushIsOver: (page, challengeId, seconds) =>
      until("the push is over", async () => {
        const { data } = await page.evaluate((value) => window.client.push.verify({ challengeId: value }), challengeId);
        return data.isConsumed && data;
      }, seconds),
  };
}
