// A push that nobody answers in time. In a file of its own, which runs beside the others: it takes the half minute that is
// the shortest a tenant may set.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exits } from "./lib/phone.js";
import { openWorld } from "./lib/world.js";

const world = await openWorld();

test("a push that nobody answers is over for the page and for the phone, and is no success", async (t) => {
  await world.configure(t, { pushDurationInSeconds: 30 }, { pushDurationInSeconds: 120 });
  const page = await world.openPage(t);
  const { userId, phone } = await world.userWithPhone(t, page);
  const watch = phone.start("watch", "--once");
  const { asked, token } = await world.ask(page, userId);
  await watch.see(/\[a\]pprove/);
  const { isVerified, token: given } = await world.pushIsOver(page, asked.challengeId, 45);
  assert.deepEqual([isVerified, given], [false, undefined]);
  assert.match(await watch.end(exits.over), /It is over/);
  await phone.run(["approve"], exits.nothingWaits);
  assert.equal((await world.sdk.validateChallenge({ token })).state, "CHALLENGE_REQUIRED");
});
