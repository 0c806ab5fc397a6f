// A phone: a key that never leaves this browser, and the device API as the SDK of an app speaks it.
(() => {
  "use strict";
  const { demo } = window;
  const { hosted, tenant } = document.body.dataset;
  const phone = document.querySelector("#phone");
  const app = document.querySelector("#app");
  const api = `${hosted}/v1/client/user-authenticators/push`;
  const utf8 = new TextEncoder();
  const EVERY = 1200;
  let device; // { user, privateKey, publicKey }
  let asked; // what the screen asks
  let busy = false;

  const element = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });
  const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

  // Keys survive a reload in IndexedDB, which stores them without showing them.
  const kept = (mode, act) => new Promise((resolve, reject) => {
    const opened = indexedDB.open("corner-coffee", 1);
    opened.onupgradeneeded = () => opened.result.createObjectStore("keys");
    opened.onerror = () => reject(opened.error);
    opened.onsuccess = () => {
      const done = act(opened.result.transaction("keys", mode).objectStore("keys"));
      done.onsuccess = () => resolve(done.result);
      done.onerror = () => reject(done.error);
    };
  });

  /** ECDSA-SHA256. WebCrypto gives r and s side by side, and the API takes DER (RFC 3279, section 2.2.3). */
  async function sign(message) {
    const bytes = typeof message === "string" ? utf8.encode(message) : message;
    const raw = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, device.privateKey, bytes));
    const integer = (part) => {
      let start = 0;
      while (start < part.length - 1 && part[start] === 0) start += 1;
      const positive = part[start] & 0x80 ? [0, ...part.slice(start)] : [...part.slice(start)];
      return [2, positive.length, ...positive];
    };
    const both = [...integer(raw.slice(0, 32)), ...integer(raw.slice(32))];
    return base64([0x30, both.length, ...both]);
  }

  /** Each part after its length in four bytes, so that no two statements are one text. */
  function canonical(parts) {
    const encoded = parts.map((part) => utf8.encode(part));
    const bytes = new Uint8Array(encoded.reduce((sum, part) => sum + 4 + part.length, 0));
    let at = 0;
    for (const part of encoded) {
      new DataView(bytes.buffer).setUint32(at, part.length);
      bytes.set(part, at + 4);
      at += 4 + part.length;
    }
    return bytes;
  }

  async function hash(parts) {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", canonical(parts)));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function contextHash(shown) {
    const parts = ["ipAddress", "place", "userAgent", "deviceId", "origin"].map((name) => shown[name] ?? "");
    parts.push(JSON.stringify(shown.custom ?? {}), JSON.stringify(shown.user?.custom ?? {}));
    if (shown.isClaimed) parts.push("claimed");
    return hash(parts);
  }

  /** What is signed (infra/decisions/0015): with the facts in words where the server gives them, which is a version of its own. */
  async function statement(shown, approved, number) {
    const words = shown.facts && [shown.facts.what ?? "", ...(shown.facts.rows ?? []).flatMap(({ label, value }) => [label, value])];
    return canonical([
      words ? "countersign/approval/v3" : "countersign/approval/v2", tenant, shown.userId, shown.challengeId, shown.actionCode,
      shown.idempotencyKey, approved ? "approve" : "deny", number, await contextHash(shown), String(shown.expiresAt),
      ...(words ? [await hash(words)] : []),
    ]);
  }

  async function call(method, path, { token, body, headers } = {}) {
    const authorization = token ? `Bearer ${token}` : `Basic ${btoa(`${tenant}:`)}`;
    const sent = { method, headers: { authorization, ...headers } };
    if (body) Object.assign(sent, { body: JSON.stringify(body), headers: { ...sent.headers, "content-type": "application/json" } });
    const answer = await fetch(`${api}${path}`, sent);
    return { status: answer.status, said: await answer.json() };
  }

  const query = () => `?publicKey=${encodeURIComponent(btoa(device.publicKey))}`;

  /** What waits for this phone, asked with a signed message. */
  async function pending() {
    const { said } = await call("POST", `/challenge/sign${query()}`, { body: {} });
    const headers = { "x-authsignal-signature": await sign(said.message ?? "") };
    const answer = await call("GET", `/challenge${query()}`, { headers });
    return answer.status === 200 ? answer.said : undefined;
  }

  async function enrol() {
    const user = document.body.dataset.user;
    if (!user || busy) return;
    busy = true;
    try {
      const { token } = await demo.ask("/demo/phone");
      const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
      const publicKey = base64(await crypto.subtle.exportKey("spki", keys.publicKey));
      const body = { publicKey, deviceName: "Phone on this page", devicePlatform: "android", pushToken: "demo", takesNumbers: true };
      const { status, said } = await call("POST", "", { token, body });
      demo.show("phone: POST /v1/client/user-authenticators/push", String(status), status === 200 ? "good" : "bad",
        status === 200 ? "The app enrols a new key with the token that its backend asked for." : said.errorDescription, body);
      if (status !== 200) return;
      device = { user, tenant, privateKey: keys.privateKey, publicKey };
      await kept("readwrite", (store) => store.put(device, user)).catch(() => {});
      render();
      await demo.post("/demo/phone-is-there");
    } finally {
      busy = false;
    }
  }

  async function answer(approved, number = "") {
    if (busy) return;
    busy = true;
    const shown = asked;
    try {
      if (shown.contextHash !== await contextHash(shown)) {
        return question("What the server shows is not what it would have signed. Nothing was answered.");
      }
      const body = {
        challengeId: shown.challengeId, publicKey: device.publicKey, approved,
        signature: await sign(shown.challengeId), signatureV2: await sign(await statement(shown, approved, number)),
        ...(number && { verificationCode: number }),
      };
      const { status, said } = await call("POST", "/challenge", { body });
      const is = status === 200 && (said.isVerified || !approved);
      const why = status !== 200 ? said.errorDescription : said.failureReason ? `The number was wrong: ${said.failureReason}.`
        : approved ? "Signed over all that the phone showed, and the number that was typed." : "Signed: it was not the user who asked.";
      demo.show("phone: POST /v1/client/user-authenticators/push/challenge", status === 200 ? (said.isVerified ? "APPROVED" : approved ? "WRONG" : "DENIED") : String(status),
        is && approved ? "good" : "bad", why, body);
      if (is) return done(approved);
      if (status === 400) return question(said.errorDescription.replace(/^verificationCode: /, ""));
      if (said.failureReason === "CODE_INVALID_OR_EXPIRED") return question("That is not the number on the other screen.");
      if (said.failureReason) return question("Too many wrong numbers. Wait five minutes.");
      done(false, "It is over: it was answered before, or its time has passed.");
    } finally {
      busy = false;
    }
  }

  const browserOf = (agent = "") => [["Firefox/", "Firefox"], ["Edg/", "Edge"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark))?.[1];

  function wanted({ actionCode = "", custom = {} }) {
    if (custom.amount !== undefined) return `Pay ${custom.amount} €?`;
    return { "sign-in": "Sign in?", "manage-security": "Change your security?", "add-authenticator": "Add a way to confirm?" }[actionCode] ?? `${actionCode}?`;
  }

  function question(problem) {
    const shown = asked;
    const form = element("form", "", { className: "question", noValidate: true });
    const facts = element("dl");
    const said = shown.facts ? [["Action", shown.facts.what], ...(shown.facts.rows ?? []).map(({ label, value }) => [label, value])] : [["Account", shown.userId]];
    for (const [name, value] of said) if (value) facts.append(element("dt", name), element("dd", value));
    for (const [name, value] of [["Browser", browserOf(shown.userAgent)], ["Address", shown.ipAddress]]) {
      const className = "more";
      if (value) facts.append(element("dt", name, { className }), element("dd", value, { className }));
    }
    form.append(element("p", "Corner Coffee · now", { className: "from" }), element("h3", wanted(shown)), facts);
    const input = element("input", "", { id: "typed", inputMode: "numeric", autocomplete: "off", spellcheck: false, maxLength: 64 });
    if (shown.numberMatching) {
      const label = element("label", "Number on the other screen", { htmlFor: "typed" });
      const both = element("div");
      both.append(label, input);
      form.append(both);
    }
    if (problem) {
      const alert = element("p", problem, { id: "phone-problem" });
      alert.setAttribute("role", "alert");
      input.setAttribute("aria-describedby", "phone-problem");
      form.append(alert);
    }
    const choices = element("div", "", { className: "choices" });
    const no = element("button", "Deny", { type: "button", className: "no", id: "deny" });
    no.addEventListener("click", () => answer(false));
    choices.append(element("button", "Approve", { id: "approve" }), no);
    form.append(choices);
    form.addEventListener("submit", (sent) => {
      sent.preventDefault();
      if (shown.numberMatching && !input.value.trim()) return question("Type the number that the other screen shows.");
      answer(true, input.value);
    });
    phone.dataset.state = "asked";
    app.replaceChildren(form);
    if (problem) input.focus();
  }

  const icon = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [name, value] of Object.entries({ d: path, fill: "none", stroke: "#fff", "stroke-width": 2.5, "stroke-linecap": "round", "stroke-linejoin": "round" })) line.setAttribute(name, value);
    svg.append(line);
    return svg;
  };

  function done(approved, text = approved ? "Approved" : "Denied") {
    asked = undefined;
    phone.dataset.state = "done";
    const box = element("div", "", { className: approved ? "done" : "done no" });
    box.append(icon(approved ? "M3 10.5l4.5 4.5 9-10" : "M4 4l12 12M16 4L4 16"), element("h3", text));
    app.replaceChildren(box);
    setTimeout(() => { if (phone.dataset.state === "done") render(); }, 3000);
  }

  function render() {
    asked = undefined;
    const { user } = document.body.dataset;
    phone.dataset.state = device ? "ready" : "off";
    const big = element("p", new Date().toLocaleTimeString("en-GB", { hour: "numeric", minute: "2-digit" }), { className: "big" });
    if (device) {
      app.replaceChildren(big, element("p", `Confirms for ${device.user}`, { className: "centre" }));
    } else if (user) {
      const set = element("button", "Set up this phone", { type: "button", id: "set-up-phone" });
      set.addEventListener("click", enrol);
      app.replaceChildren(big, element("p", "With the shop’s app on it, this phone can confirm what you do.", { className: "centre" }), set);
    } else {
      app.replaceChildren(big, element("p", "Sign in to the shop first.", { className: "centre" }));
    }
  }

  /** Who is signed in, or signing in, decides which key the phone has. */
  async function load() {
    const user = document.body.dataset.user || device?.user || localStorage.getItem("corner-coffee-user");
    if (device?.user === user) return ["asked", "done"].includes(phone.dataset.state) ? undefined : render();
    const found = user && await kept("readonly", (store) => store.get(user)).catch(() => undefined);
    device = found?.tenant === tenant ? found : undefined;
    if (document.body.dataset.user) localStorage.setItem("corner-coffee-user", document.body.dataset.user);
    render();
  }

  async function watch() {
    if (device && !busy && !document.hidden) {
      const shown = await pending().catch(() => undefined);
      if (busy) return;
      if (shown?.challengeId && shown.challengeId !== asked?.challengeId) {
        asked = shown;
        demo.show("phone: GET /v1/client/user-authenticators/push/challenge", "PENDING", "ask", "The push has come. The phone is told who asks and for what, and never the number.");
        question();
      } else if (asked && !shown?.challengeId) {
        render();
      }
    }
  }

  const tick = () => { document.querySelector("#clock").textContent = new Date().toLocaleTimeString("en-GB", { hour: "numeric", minute: "2-digit" }); };
  document.addEventListener("shop", load);
  document.addEventListener("use-phone", enrol);
  tick();
  load();
  setInterval(() => { tick(); watch(); }, EVERY);
})();
