// A second step at sign-in: node backend.mjs http://localhost:4000, then open /sign-in?user=grace there.
import { createServer } from "node:http";
import { Authsignal } from "@authsignal/node";

const origin = process.argv[2] ?? "http://localhost:4000";
const countersign = new Authsignal({ apiSecretKey: process.env.KEY, apiUrl: process.env.API });

async function answer(path, query) {
  if (path === "/sign-in") {
    // Here the password was right. Now Countersign says whether that is enough.
    const userId = query.get("user");
    const { state, url, isEnrolled } = await countersign.track({
      userId, action: "signIn", attributes: { redirectUrl: `${origin}/done` },
    });
    if (state === "CHALLENGE_REQUIRED") return { status: 302, to: url };
    if (state !== "ALLOW") return { status: 403, text: "Not now." };
    return { status: 200, text: isEnrolled ? `Welcome, ${userId}.` : `Welcome, ${userId}. Add a second step: ${url}` };
  }
  if (path === "/done") {
    // The hosted page sends the user back with a token. Only Countersign can say what it is worth.
    const { isValid, userId } = await countersign.validateChallenge({ token: query.get("token"), action: "signIn" });
    return isValid ? { status: 200, text: `Welcome, ${userId}, with both steps.` } : { status: 403, text: "Sign in again." };
  }
  return { status: 404, text: "Go to /sign-in?user=grace." };
}

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, origin);
  const failed = () => ({ status: 503, text: "Try again in a moment." });
  const { status, text = "", to } = await answer(pathname, searchParams).catch(failed);
  response.writeHead(status, to ? { Location: to } : { "Content-Type": "text/plain" }).end(`${text}\n`);
}).listen(new URL(origin).port);
