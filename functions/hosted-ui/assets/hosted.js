// Comfort for the hosted pages; each works without it. What the opener of a popup is told is in the contract, section 2.8.
(() => {
  "use strict";
  const page = document.documentElement;
  const { mode, event, origins, code, status } = document.body.dataset;
  page.classList.add("script");

  // A popup or window: say that the page is there, how tall it is, and how it ended.
  const opener = mode && (window.parent !== window ? window.parent : window.opener);
  if (opener) {
    const tell = (message, target) => { try { opener.postMessage(message, target); } catch { /* gone, or not such an origin */ } };
    if (!event) tell(JSON.stringify({ event: "AUTHSIGNAL_READY" }), "*");
    const box = document.getElementById("widget_container");
    new ResizeObserver(() => tell({ height: Math.ceil(box.getBoundingClientRect().height) }, "*")).observe(box);
    if (code) tell(JSON.stringify({ event: "AUTHSIGNAL_API_ERROR", errorCode: code, statusCode: Number(status) }), "*");
    // The token goes to the tenant's own pages alone. Who has us in a frame is one of them (frame-ancestors); whoever else
    // opened this window is told nothing.
    const told = window.parent !== window ? ["*"] : JSON.parse(origins ?? "[]");
    if (event) for (const origin of told) tell(event, origin);
  }

  // Six digits are a whole code: pasted with spaces or typed, they are sent by themselves.
  for (const input of document.querySelectorAll("input[data-digits]")) {
    const digits = Number(input.dataset.digits);
    input.addEventListener("input", () => {
      const typed = input.value.replace(/\D/g, "");
      if (input.value !== typed && /^[\d\s-]*$/.test(input.value) && typed.length >= digits) input.value = typed;
      if (input.form.dataset.auto !== undefined && typed.length === digits && input.value === typed) input.form.requestSubmit();
    });
  }

  // One line about the line: what was not sent, or has no answer yet.
  const main = document.getElementById("widget_container");
  const say = (text, before) => {
    let line = document.getElementById("line");
    if (!line) {
      line = document.createElement("p");
      line.id = "line";
      line.setAttribute("role", "alert");
    }
    if (before) before.before(line); else main.append(line);
    line.textContent = text ?? "";
  };
  window.addEventListener("online", () => say(""));

  // A second click does nothing, until no answer has come for a while or the browser has given up.
  const sent = new Set();
  const lapse = () => {
    for (const form of sent) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      say(main.dataset.slow, form);
    }
    sent.clear();
  };
  document.addEventListener("submit", (submitted) => {
    const form = submitted.target;
    if (form.dataset.sent) return submitted.preventDefault();
    if (!navigator.onLine) {
      submitted.preventDefault();
      return say(main.dataset.offline, form);
    }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    sent.add(form);
    setTimeout(lapse, Number(main.dataset.patience ?? 8000));
  });
  window.navigation?.addEventListener("navigateerror", lapse);
  // The browser's own page about a missing line is a dead end; ours is still here.
  document.addEventListener("click", (clicked) => {
    const link = clicked.target.closest?.("a[href]");
    if (!link || navigator.onLine || link.origin !== location.origin) return;
    clicked.preventDefault();
    say(main.dataset.offline);
  });
  window.addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });

  // A part of a page is asked for: 204 is nothing new.
  const isNew = async (address) => {
    const answer = await fetch(address, { headers: { "hx-request": "true" }, cache: "no-store" });
    return answer.status !== 204 && answer.status < 500;
  };
  // A tab that is over notices: its token has expired, or its action was answered elsewhere.
  const { ends, then, follows } = main.dataset;
  if (then) {
    const leave = () => location.replace(then);
    // A timer has at most 31 bits, and a tab that slept is asked when it is seen again.
    setTimeout(leave, Math.min(Number(ends) * 1000 + 500, 2 ** 31 - 1));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && navigator.onLine) isNew(then).then((is) => is && leave(), () => {});
    });
  }
  // While something is typed here the phone may approve.
  if (follows) {
    const asking = setInterval(async () => {
      if (document.hidden || sent.size) return;
      try {
        if (!(await isNew(`${follows}&until=approved`)) || sent.size) return;
        clearInterval(asking);
        location.replace(follows);
      } catch { /* the line is back some time */ }
    }, 2000);
  }
  // The phone that worked last is asked as soon as somebody is there, and not by a page that is only loaded ahead.
  const ask = document.querySelector("form[data-ask]");
  if (ask) {
    const now = () => { if (!ask.dataset.sent) ask.requestSubmit(); };
    if (document.prerendering) document.addEventListener("prerenderingchange", now, { once: true });
    else if (document.hidden) document.addEventListener("visibilitychange", now, { once: true });
    else now();
  }

  // Times in the reader's own way of writing and zone; what is near is said so, and a card says the day alone.
  const write = (style, at) => new Intl.DateTimeFormat(page.lang, style).format(at);
  const near = (at) => {
    const [now, day] = [new Date(), 86_400_000];
    const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date(now).setHours(0, 0, 0, 0)) / day);
    if (Math.abs(days) <= 1) return new Intl.RelativeTimeFormat(page.lang, { numeric: "auto" }).format(days, "day");
    return write({ day: "numeric", month: "short", ...(at.getFullYear() !== now.getFullYear() && { year: "numeric" }) }, at);
  };
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const style = time.dateTime.length > 10 ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium" };
    time.textContent = "near" in time.dataset ? near(at) : write(style, at);
    time.title = write({ dateStyle: "full", timeStyle: "short" }, at);
  }

  // What is locked opens by itself: the time runs down, and then the form is there again.
  const countdown = document.getElementById("countdown");
  if (countdown) {
    const end = Date.now() + Number(countdown.dataset.seconds) * 1000;
    const again = document.getElementById("again")?.href;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left <= 0 && again) { clearInterval(ticking); location.replace(again); return; }
      countdown.textContent = `${Math.floor(Math.max(left, 0) / 60)}:${String(Math.max(left, 0) % 60).padStart(2, "0")}`;
    };
    const ticking = setInterval(tick, 1000);
  }

  for (const dialog of document.querySelectorAll("dialog[open]")) {
    dialog.removeAttribute("open");
    dialog.showModal();
    dialog.addEventListener("cancel", (cancelled) => { cancelled.preventDefault(); dialog.querySelector("a").click(); });
  }

  // Recovery codes and keys are taken along; a file says whose they are, because it outlives the page.
  const codes = () => [...document.querySelectorAll("#codes code")].map((one) => one.textContent).join("\n");
  const on = (id, act) => document.getElementById(id)?.addEventListener("click", (clicked) => act(clicked.currentTarget.dataset));
  const copy = async (text, done) => {
    await navigator.clipboard.writeText(text);
    document.getElementById("copied").textContent = done;
  };
  on("copy", ({ done }) => copy(codes(), done));
  on("copy-key", ({ done }) => copy(document.getElementById("secret").textContent.replace(/\s/g, ""), done));
  on("download", ({ file }) => {
    const link = document.createElement("a");
    const of = document.getElementById("of").textContent.trim();
    link.href = URL.createObjectURL(new Blob([`${of}\n\n${codes()}\n`], { type: "text/plain" }));
    link.download = file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  on("print", () => window.print());
})();
