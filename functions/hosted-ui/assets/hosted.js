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

  // A second click does nothing; coming back from history makes the form as new.
  document.addEventListener("submit", (sent) => {
    if (sent.target.dataset.sent) return sent.preventDefault();
    sent.target.dataset.sent = "yes";
    sent.target.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });

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
