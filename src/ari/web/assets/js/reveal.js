// Shows a new key once (security.md 31): warns before it is closed uncopied, and wipes the secret.

import { copyEnded, showResult } from "./copy.js";
import { say } from "./say.js";

const place = () => document.querySelector("[data-reveal]");

export function startReveal() {
  document.addEventListener("ari:copied", (event) => {
    if (event.target.dataset.copy === "#secret") markSafe(event.target);
  });
  document.addEventListener("ari:saved", () => {
    markSaved();
    say("Downloaded. The file contains your key; keep it private.");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-saved]")) place().toggleAttribute("data-ticked", event.target.checked);
  });
  document.addEventListener("copy", onCopyByHand);
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onDone);
  addEventListener("beforeunload", (event) => {
    if (guardsAgainstClosing()) event.preventDefault();
  });
  addEventListener("pagehide", wipe);
}

export function guardsAgainstClosing() {
  const reveal = place();
  return Boolean(reveal) && !reveal.matches("[data-copied-once], [data-ticked], [data-let-go]");
}

export function warnAboutClosing() {
  const warning = place().querySelector("[data-warning]");
  warning.hidden = false;
  warning.scrollIntoView({ block: "nearest" });
  warning.querySelector("button").focus();
  say("You haven't copied the key yet. It can't be shown again.");
}

export function wipe() {
  const reveal = place();
  if (!reveal) return;
  for (const secret of reveal.querySelectorAll("[data-secret]")) secret.textContent = "";
}

function markSaved() {
  place()?.setAttribute("data-copied-once", "");
  const warning = place()?.querySelector("[data-warning]");
  if (warning) warning.hidden = true;
}

function markSafe(button) {
  const reveal = place();
  if (!reveal) return;
  const warning = reveal.querySelector("[data-warning]");
  if (warning.contains(button)) {
    const main = reveal.querySelector("[data-first]");
    main.focus();
    showResult(main, true);
  }
  markSaved();
}

// The secret selected and copied by keyboard or menu; what a button copies is reported by ari:copied.
function onCopyByHand(event) {
  if (event.target.closest?.(".sr-only")) return;
  const secret = place()?.querySelector("[data-secret]");
  const text = secret?.textContent.trim();
  if (text && getSelection().toString().includes(text)) markSaved();
}

function onClick(event) {
  // Without scripting the browser requires the checkbox; here ARI warns, and only if nothing was copied.
  const done = event.target.closest("[data-done] [type=submit]");
  if (done) done.form.noValidate = true;
  if (!event.target.closest("[data-close-anyway]")) return;
  place().setAttribute("data-let-go", "");
  leave();
}

async function onDone(event) {
  if (!event.target.matches("[data-done]")) return;
  event.preventDefault();
  await copyEnded(); // Done may be pressed while the clipboard is still being written.
  if (guardsAgainstClosing()) warnAboutClosing();
  else leave();
}

function leave() {
  const dialog = place().closest("dialog");
  if (dialog) dialog.close();
  else location.replace(document.body.dataset.home);
}
