// A road to the server that can be bad.
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/**
 * A proxy before `api`: while `road.isClosed` every connection breaks, and as many of the next calls as `road.losesAnswers`
 * says get there and bring nothing back.
 */
export async function openRoad(test, api) {
  const road = { isClosed: false, losesAnswers: 0 };
  const listener = createServer(async (request, response) => {
    if (road.isClosed) return request.socket.destroy();
    const { authorization, "content-type": type, "x-authsignal-signature": signature } = request.headers;
    const headers = Object.entries({ authorization, "content-type": type, "x-authsignal-signature": signature });
    const answer = await fetch(new URL(request.url, api), {
      method: request.method,
      headers: headers.filter(([, value]) => value),
      body: request.method === "GET" ? undefined : await text(request),
    });
    const body = await answer.text();
    if (road.losesAnswers > 0) {
      road.losesAnswers -= 1;
      return request.socket.destroy();
    }
    response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  test.after(() => {
    listener.close();
    listener.closeAllConnections();
  });
  road.api = `http://127.0.0.1:${listener.address().port}/v1`;
  return road;
}
