// A server, the customer's shop and a browser for one test file, and the people who meet the hosted pages.
import { importApp, sdkFor } from "../../sdk/node/lib/sdk.js";
import { managementKey, serve, until } from "../../sdk/node/lib/server.js";
import { basic, call, client, unique } from "../../sdk/node/lib/wire.js";
import { openBrowser } from "./chromium.js";
import { newPhone } from "./phone.js";
import { openShop } from "./shop.js";

/** What the site's tenant is between tests. */
const usual = { name: "Countersign", tokenDurationInMinutes: 10, redirectUrls: [] };

export async function openSite() {
  const server = await serve();
  const [shop, browser, sdk] = [await openShop(), await openBrowser(), sdkFor(server)];
  const manage = async (method, path, body) => {
    const answer = await call(`${server.api}/management${path}`, { method, authorization: basic(managementKey), body });
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };

  let named;
  /** A kind of action with a name, and data points that users are shown; made once. */
  const makePayment = async () => {
    const point = (name, dataType, shown) => manage("POST", "/custom-data-points", { name, dataType, modelType: "action", isPublic: true, ...shown });
    await point("amount", "number", { label: { en: "Amount", ar: "المبلغ" }, format: "money", unit: "{currency}" });
    await point("currency", "text");
    await point("payee", "text", { label: { en: "Payee", ar: "المستفيد" } });
    const displayName = { en: "Pay an invoice", ar: "دفع فاتورة" };
    const actionCode = "pay-invoice";
    await manage("POST", "/action-configurations", { actionCode, defaultUserActionResult: "CHALLENGE", displayName });
    return actionCode;
  };

  return {
    server,
    shop,
    browser,
    sdk,
    manage,

    /** Tracks with a way back to the shop; `redirectUrl: undefined` for none. */
    track: (userId, attributes = {}, action = "sign-in") =>
      sdk.track({ userId, action, attributes: { redirectUrl: shop.redirectUrl, ...attributes } }),

    /** Changes the tenant, and changes it back after the test. */
    async configure(test, settings) {
      test.after(() => manage("PATCH", "/tenant", usual));
      await manage("PATCH", "/tenant", settings);
    },

    /** An action code whose answer is always this. */
    async actionThatIs(outcome, more = {}) {
      const actionCode = unique("act").slice(0, 60);
      await manage("POST", "/action-configurations", { actionCode, defaultUserActionResult: outcome, ...more });
      return actionCode;
    },

    /** Somebody who has an authenticator app. */
    async withApp(userId = unique("ada")) {
      const { secret, authenticator } = await importApp(sdk, userId);
      return { userId, secret, authenticator };
    },

    /** A payment that is always asked about. */
    payment: () => (named ??= makePayment()),

    newPhone: (test) => newPhone(test, server.api),

    /** Makes so many wrong guesses by the API. */
    async guess(userId, code, times) {
      const { token } = await sdk.track({ userId, action: "sign-in", attributes: {} });
      for (let made = 0; made < times; made += 1) await client(server, token).verify(code);
    },

    /** Makes wrong guesses until no more are looked at. */
    spendGuesses: (token, code) =>
      until("the guesses are spent", async () => {
        const { body } = await client(server, token).verify(code);
        return body.failureReason === "MAX_ATTEMPTS_EXCEEDED" || body.errorCode === "too_many_requests";
      }),

    /** Somebody who has a phone; with `test` it goes. */
    async withPhone(test, userId = unique("grace"), options = []) {
      const phone = newPhone(test, server.api);
      const { token } = await sdk.track({ userId, action: "pair", attributes: { scope: "add:authenticators" } });
      await phone.run(["enroll", token, ...options]);
      return { userId, phone };
    },

    /** What tokens were worth that live for the shortest time that a tenant may set: `over` waits until they are. */
    async shortLived(test, make) {
      await manage("PATCH", "/tenant", { tokenDurationInMinutes: 1 });
      const made = await make();
      await manage("PATCH", "/tenant", { tokenDurationInMinutes: usual.tokenDurationInMinutes });
      const over = (token) =>
        until("the token is over", async () => /expired/.test((await sdk.validateChallenge({ token })).error ?? ""), 75);
      return { ...made, over };
    },
  };
}

/** The state that the backend sees. */
export const stateOf = async (site, token) => (await site.sdk.validateChallenge({ token })).state;
