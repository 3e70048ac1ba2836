// Changes within a row: rename and enable, and the row's menu.

import htmx from "htmx.org";

import { toast } from "./toasts.js";

const GAP = 4;

export function startInPlace() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-menu]");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    openMenu(link);
  });
  document.addEventListener("ari:done", onDone);
  document.addEventListener("htmx:beforeSwap", onAnswer);
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(failure, (event) => {
      if (event.detail.elt?.matches?.("[data-in-place]")) toast("This wasn't saved. Reload the page and try again.", "bad");
    });
  }
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.closest("[data-row-menu]")) hideMenus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { target } = event.detail;
    if (!target.matches("[data-cell]")) return;
    const field = target.querySelector("input[name=name]");
    if (field) field.select();
    else target.querySelector("a").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest?.("[data-editing]")?.querySelector("[data-cancel-edit]").click();
  });
}

// Also while the menu or the field is still being fetched.
const EDITING = "[data-editing], [data-row-menu]:popover-open, [data-row-menu] a.htmx-request";
let fetching = null; // the link whose menu is on its way

export const isEditing = () => fetching !== null || document.querySelector(EDITING) !== null;

const rowMenu = () => document.querySelector("[data-row-menu]");

function hideMenus() {
  if (rowMenu().matches(":popover-open")) rowMenu().hidePopover();
}

async function openMenu(link) {
  const menu = rowMenu();
  menu.replaceChildren();
  menu.dataset.opener = link.id;
  htmx.trigger(menu, "htmx:abort");
  fetching = link;
  try {
    await htmx.ajax("GET", link.getAttribute("href"), { source: menu, target: menu, swap: "innerHTML" });
  } catch {
    return;
  } finally {
    if (fetching === link) fetching = null;
  }
  if (!menu.firstElementChild) return;
  menu.showPopover();
  place(menu, link.getBoundingClientRect());
}

// Below its button, or above where there is no room.
function place(menu, button) {
  const { offsetHeight: height, offsetWidth: width } = menu;
  const below = button.bottom + GAP + height <= innerHeight;
  Object.assign(menu.style, {
    inset: "auto",
    top: `${Math.max(GAP, below ? button.bottom + GAP : button.top - GAP - height)}px`,
    left: `${Math.max(GAP, button.right - width)}px`,
  });
}

function onDone(event) {
  toast(event.detail.text);
  document.querySelector(`[data-row="${event.detail.key}"] [data-menu]`)?.focus();
  queueMicrotask(refresh); // after the field is gone; the event comes before
}

function refresh() {
  const keys = document.querySelector("#keys");
  if (keys) htmx.trigger(keys, "refresh");
}

// A refused name comes back as the field. Any other refusal is a toast, and the table refreshes.
function onAnswer(event) {
  const { xhr, target, elt } = event.detail;
  const inPlace = target.matches?.("[data-cell], [data-row-menu]") || elt?.closest?.("[data-row-menu]");
  if (!inPlace || xhr.status < 400) return;
  event.detail.isError = false;
  event.detail.shouldSwap = xhr.status === 422;
  if (xhr.status === 422) return;
  const refusal = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("#refusal p");
  toast(refusal?.textContent ?? "Something went wrong.", "bad");
  const cancel = target.querySelector?.("[data-cancel-edit]");
  if (cancel) target.querySelector("[data-editing]").removeAttribute("data-editing");
  refresh();
}
