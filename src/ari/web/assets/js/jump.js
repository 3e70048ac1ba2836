// Ctrl+K or ⌘K opens the list of pages, keys and consumers. Typing narrows it, arrow keys choose, Enter goes there.

import htmx from "htmx.org";

import { openDialog } from "./dialogs.js";
import { hideWholeKey } from "./search.js";

const PAUSE_MS = 120;
let timer;
let narrowing = Promise.resolve();
let typed = null; // what is typed before the field is there; null at other times
let entered = false; // whether Enter followed it

export function startJump() {
  document.addEventListener("keydown", (event) => {
    const { jumpTo } = document.body.dataset;
    if (jumpTo && event.key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      open(jumpTo);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      move(event);
    }
  });
  document.addEventListener("keydown", keep, true);
  document.addEventListener("input", (event) => {
    if (!event.target.closest("[data-jump]")) return;
    hideWholeKey(event.target);
    clearTimeout(timer);
    timer = setTimeout(() => (narrowing = narrow(event.target.form)), PAUSE_MS);
  });
  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-jump]")) return;
    event.preventDefault();
    clearTimeout(timer);
    await (narrowing = narrow(event.target));
    links()[0]?.click();
  });
}

async function open(address) {
  if (typed !== null) return;
  typed = "";
  entered = false;
  try {
    await openDialog(address);
  } finally {
    const field = document.querySelector("[data-jump] input");
    if (field && typed) {
      field.value = typed;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    typed = null;
    if (field && entered) field.form.requestSubmit();
  }
}

function keep(event) {
  const isText = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (typed === null || !(isText || event.key === "Enter")) return;
  event.preventDefault();
  event.stopPropagation();
  if (isText) typed += event.key;
  else entered = true;
}

const links = () => [...document.querySelectorAll("#jump-found a")];

async function narrow(form) {
  const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
  const found = "#jump-found";
  await htmx.ajax("GET", address, { source: form, target: found, select: found, swap: "outerHTML" });
}

function move(event) {
  const list = event.target.closest(".sheet:has([data-jump])");
  if (!list) return;
  const all = [list.querySelector("[data-jump] input"), ...links()];
  const next = all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  all[Math.min(Math.max(next, 0), all.length - 1)].focus();
}
