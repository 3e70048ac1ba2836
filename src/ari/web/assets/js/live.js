// Parts that refresh themselves (hx-get every few seconds): only while seen, only when something differs, without
// taking the focus, a selection or the reader's ear.

import htmx from "htmx.org";

import { someChosen } from "./chosen.js";
import { isEditing } from "./in-place.js";
import { say } from "./say.js";

const lastAnswer = new WeakMap();

export function startLive() {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (part.matches("[data-live]") && isBusy(part)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", onAnswer);
  document.addEventListener("htmx:sendError", (event) => setState(event.detail.elt, "off"));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "refresh");
  });
}

function isBusy(part) {
  if (isEditing()) return true;
  if (part.hasAttribute("data-following")) return false;
  const selection = getSelection();
  const selecting = !selection.isCollapsed && part.contains(selection.anchorNode);
  const choosing = part.id === "keys" && someChosen();
  return document.hidden || selecting || choosing || document.querySelector("dialog[open]") !== null;
}

function onAnswer(event) {
  const { xhr, elt, target, pathInfo } = event.detail;
  if (!target.matches("[data-live]")) return;
  if (pathInfo && pathInfo.requestPath !== target.getAttribute("hx-get")) {
    event.detail.shouldSwap = false; // a response to an older search
    return;
  }
  const fine = xhr.status === 200;
  setState(elt, fine ? "on" : "off");
  if (fine && isBusy(target)) {
    event.detail.shouldSwap = false; // the user began to edit or select during the request
    return;
  }
  if (xhr.status === 404) location.reload();
  event.detail.shouldSwap = fine && event.detail.shouldSwap && lastAnswer.get(target) !== xhr.responseText;
  event.detail.isError = false;
  if (!event.detail.shouldSwap) {
    target.removeAttribute("data-following");
    return;
  }
  lastAnswer.set(target, xhr.responseText);
  compare(target);
}

// Highlights new rows, and announces the count.
function compare(target) {
  const followed = target.hasAttribute("data-following");
  target.removeAttribute("data-following");
  const known = new Set(Array.from(target.querySelectorAll("[data-row]"), (row) => row.dataset.row));
  const before = target.querySelector("[data-live-word]")?.dataset.liveWord;
  target.addEventListener(
    "htmx:afterSwap",
    () => {
      const fresh = [...target.querySelectorAll("[data-row]")].filter((row) => !known.has(row.dataset.row));
      if (known.size > 0 && !followed) for (const row of fresh) row.classList.add("is-new");
      const after = target.querySelector("[data-live-word]")?.dataset.liveWord;
      if (after && after !== before) say(after);
    },
    { once: true },
  );
}

function setState(part, state) {
  if (!part.matches?.("[data-live]")) return;
  document.documentElement.dataset.liveState = state;
  const word = document.querySelector("[data-live-text]");
  const text = state === "on" ? "Updates automatically" : "Paused: can't reach ARI";
  if (word && word.textContent !== text) word.textContent = text;
}
