// The shop without a reload: its forms are sent as they are, and what the server shows takes the place of what stands here.
// Without this script each form loads a page, and the hosted page is a page of its own.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);
  const shop = find("#shop");
  const box = find("#window");
  const frame = find("#hosted");
  const { hosted } = document.body.dataset;
  // CSP knows no address in brackets, so such a page cannot frame another.
  const frames = !location.hostname.startsWith("[");

  const demo = window.demo = {
    /** Calls of the phone, which the server does not know. */
    calls: [],
    async ask(path, fields = {}, method = "POST") {
      const body = method === "POST" ? new URLSearchParams({ form: document.body.dataset.form, ...fields }) : undefined;
      const answer = await fetch(path, { method, body, headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(await answer.text());
      return answer.json();
    },
    /** Shows a call of the phone beside those of the backend. */
    show(line, state, mood, why, sent) {
      demo.calls.push({ at: Date.now(), line, state, mood, why, sent });
      merge();
    },
    refresh,
    post,
  };

  const element = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });

  function article({ at, line, state, mood, why, sent }) {
    const one = element("article", "", { className: `call ${mood} new` });
    Object.assign(one.dataset, { at, step: "phone" });
    const heading = element("h3");
    heading.append(element("code", line), element("em", state));
    one.append(heading, element("p", why));
    if (sent) {
      const details = element("details");
      const box = element("div");
      box.append(element("pre", JSON.stringify(sent, (name, value) => (typeof value === "string" && value.length > 60 ? `${value.slice(0, 44)}…` : value), 2), { tabIndex: 0 }));
      details.append(element("summary", "what the phone sends"), box);
      one.append(details);
    }
    return one;
  }

  /** Puts the phone's calls among the others, the newest first, and says how far the last action has come. */
  function merge() {
    const list = find("#calls");
    for (const old of list.querySelectorAll('[data-step="phone"]')) old.remove();
    const all = [...list.querySelectorAll("article"), ...demo.calls.map(article)];
    if (all.length > 0) find("#no-calls")?.remove();
    list.append(...all.sort((one, other) => other.dataset.at - one.dataset.at).filter((one) => one.dataset.at));
    for (const button of list.querySelectorAll(".copy")) button.hidden = !navigator.clipboard;
    const steps = ["track", "url", "validate"];
    const last = all.find((one) => steps.includes(one.dataset.step))?.dataset.step;
    for (const step of find("#steps").children) {
      step.classList.toggle("on", steps.indexOf(step.dataset.step) <= steps.indexOf(last));
    }
  }

  async function refresh() {
    const known = new Set([...document.querySelectorAll("#calls article")].map((one) => one.dataset.at));
    const answer = await fetch("/demo");
    // Its style has another nonce than this page, and is here already.
    const fresh = new DOMParser().parseFromString((await answer.text()).replace(/<style[^]*?<\/style>/, ""), "text/html");
    const { user, form } = fresh.body.dataset;
    Object.assign(document.body.dataset, { user, form });
    for (const id of ["shop", "calls"]) find(`#${id}`).replaceChildren(...fresh.getElementById(id).childNodes);
    for (const one of document.querySelectorAll("#calls article")) one.classList.toggle("new", !known.has(one.dataset.at));
    merge();
    dress();
    document.dispatchEvent(new Event("shop"));
  }

  /** What only works with a script. */
  function dress() {
    const use = find("#use-phone");
    if (!use) return;
    use.hidden = false;
    use.addEventListener("click", () => document.dispatchEvent(new Event("use-phone")));
  }

  async function post(path, fields) {
    try {
      const { url } = await demo.ask(path, fields);
      const leads = url && new URL(url, location.href);
      if (leads && leads.origin !== location.origin) {
        if (!frames) return location.assign(url);
        open(url);
      }
      await refresh();
      say();
    } catch (error) {
      const notice = element("p", "", { className: "notice bad" });
      notice.setAttribute("role", "alert");
      notice.append(element("span", error.message));
      find("#shop main").prepend(notice);
      for (const button of shop.querySelectorAll("button")) button.disabled = false;
    }
  }

  shop.addEventListener("submit", (sent) => {
    sent.preventDefault();
    const form = sent.target;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    post(form.getAttribute("action"), Object.fromEntries(new FormData(form)));
  });

  function open(url) {
    shop.inert = true;
    box.hidden = false;
    frame.src = `${url}&mode=popup`;
    frame.focus();
  }

  async function close(token = "") {
    if (box.hidden) return;
    box.hidden = true;
    shop.inert = false;
    frame.src = "about:blank";
    await demo.ask(`/demo/back?token=${encodeURIComponent(token)}`, {}, "GET");
    await refresh();
    say();
  }

  /** What is said stands above, and whoever has clicked below shall see it. */
  function say() {
    shop.querySelector(".notice")?.scrollIntoView({ block: "center" });
  }

  find("#leave").addEventListener("click", () => close());
  document.addEventListener("keydown", (key) => { if (key.key === "Escape") close(); });

  // The hosted page says how tall it is, and how it ended, with a token that only the backend can judge.
  window.addEventListener("message", ({ origin, data }) => {
    if (origin !== hosted) return;
    if (data?.height) frame.style.height = `${Math.max(200, Math.min(720, Number(data.height)))}px`;
    if (typeof data !== "string") return;
    const { event, token } = JSON.parse(data);
    if (event === "AUTHSIGNAL_CLOSE_POPUP") close(token);
  });

  find("#calls").addEventListener("click", async ({ target }) => {
    if (!target.matches(".copy")) return;
    await navigator.clipboard.writeText(target.parentElement.querySelector("pre").textContent);
    target.textContent = "Copied";
  });

  merge();
  dress();
})();
