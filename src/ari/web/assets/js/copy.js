// Copy buttons: <button data-copy="#id"> copies that element's text, with data-copy-before put in front.

import { say } from "./say.js";

const CONFIRMED_FOR_MS = 2500;
let copying = Promise.resolve();

// Resolves when the last copy has ended and its result has been reported.
export const copyEnded = () => copying;

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    const source = button && document.querySelector(button.dataset.copy);
    if (!source) return;
    const copied = copyText((button.dataset.copyBefore ?? "") + source.textContent.trim());
    copying = copied;
    const done = await copied;
    if (!done) getSelection().selectAllChildren(source);
    showResult(button, done);
    say(done ? "Copied to clipboard." : "Couldn't copy. Select the text and copy it manually.");
    if (done) button.dispatchEvent(new CustomEvent("ari:copied", { bubbles: true }));
  });
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

// The clipboard's own interface exists only on https and localhost.
function copyBySelection(text) {
  const carrier = document.createElement("pre");
  carrier.className = "sr-only";
  carrier.textContent = text;
  (document.querySelector("dialog[open]") ?? document.body).append(carrier);
  const selection = getSelection();
  selection.selectAllChildren(carrier);
  const done = document.execCommand("copy");
  selection.removeAllRanges();
  carrier.remove();
  return done;
}

export function showResult(button, done) {
  const label = button.querySelector("[data-copy-label]") ?? button;
  button.dataset.copyText ??= label.textContent;
  label.textContent = done ? "Copied ✓" : "Select and copy";
  button.toggleAttribute("data-copied", done);
  clearTimeout(button.copyTimer);
  button.copyTimer = setTimeout(() => {
    label.textContent = button.dataset.copyText;
    button.removeAttribute("data-copied");
  }, CONFIRMED_FOR_MS);
}
