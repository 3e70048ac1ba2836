// <a data-dialog href> opens its page inside the dialog. The server responds to such a request with the contents alone.

import htmx from "htmx.org";

import { focusWrong } from "./fields.js";
import { guardsAgainstClosing, warnAboutClosing, wipe } from "./reveal.js";
import { toast } from "./toasts.js";

const dialog = () => document.querySelector("#dialog");
const body = () => document.querySelector("#dialog-body");
const SKELETON_AFTER_MS = 200;
let asking = null; // what is being fetched, until it is shown or left
let opener = null;
let greeted = null;

export function startDialogs() {
  if (!dialog()) return;
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("submit", onSubmit);
  dialog().addEventListener("cancel", onCancel);
  dialog().addEventListener("close", onClosed);
  dialog().addEventListener("pointerdown", (event) => {
    if (event.target === dialog() && outside(event)) tryToClose();
  });
  document.addEventListener("htmx:beforeSwap", onAnswer);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target === body()) focusFirst();
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.target === body()) toast("Can't reach ARI. Nothing was changed; try again.", "bad");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === body() && !asking && body().firstElementChild) showDialog();
    mark(event.detail.target);
  });
  mark(document);
}

function mark(root) {
  for (const link of root.querySelectorAll("a[data-dialog]")) link.setAttribute("aria-haspopup", "dialog");
}

// A newer request replaces the one in progress.
export async function openDialog(address) {
  if (dialog().open || asking?.address === address) return;
  if (asking) leave();
  const mine = { address };
  asking = mine;
  opener = document.activeElement;
  const slow = setTimeout(showSkeleton, SKELETON_AFTER_MS);
  try {
    await htmx.ajax("GET", address, { source: body(), target: body(), swap: "innerHTML" });
  } catch {
    // aborted, or no response: a toast or the page says so
  }
  clearTimeout(slow);
  if (asking !== mine) return;
  asking = null;
  const empty = body().firstElementChild === null || body().querySelector("[data-skeleton]") !== null;
  if (empty && dialog().open) dialog().close();
  if (empty) return;
  showDialog();
  focusFirst();
}

function leave() {
  asking = null;
  htmx.trigger(body(), "htmx:abort");
}

function showDialog() {
  document.querySelector(".menu:popover-open")?.hidePopover();
  if (!dialog().open) dialog().showModal();
}

function showSkeleton() {
  body().replaceChildren(document.querySelector("#skeleton-shape").content.cloneNode(true));
  showDialog();
}

export function tryToClose() {
  if (guardsAgainstClosing()) {
    warnAboutClosing();
    return;
  }
  // Abort here, not on the close event: by then another dialog may be loading.
  if (asking) leave();
  dialog().close();
}

function onClick(event) {
  const link = event.target.closest("a[data-dialog]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (link && plain) {
    event.preventDefault();
    openDialog(link.getAttribute("href"));
  } else if (event.target.closest("#dialog [data-close]")) {
    event.preventDefault();
    tryToClose();
  }
}

// <form method="get" data-dialog> opens its result in the dialog.
function onSubmit(event) {
  if (!event.target.matches("form[data-dialog]")) return;
  event.preventDefault();
  const asked = new URLSearchParams(new FormData(event.target, event.submitter));
  openDialog(`${event.target.getAttribute("action")}?${asked}`);
}

// A second Escape would close a dialog past its cancel event, so the key itself is caught.
function onKey(event) {
  if (event.key !== "Escape" || !dialog().open) return;
  event.preventDefault();
  tryToClose();
}

function onCancel(event) {
  event.preventDefault();
  tryToClose();
}

function onClosed() {
  const revealed = body().querySelector("[data-reveal]");
  if (revealed && guardsAgainstClosing()) {
    dialog().showModal();
    warnAboutClosing();
    return;
  }
  wipe();
  body().replaceChildren();
  giveFocusBack();
  if (revealed) refreshKeys(revealed.dataset.revealName);
}

// The browser does this unless the element that had the focus is hidden or was replaced.
function giveFocusBack() {
  if (!opener || document.activeElement === opener) return;
  const menu = opener.closest("[popover]");
  const wanted = menu ? buttonOf(menu) : document.getElementById(opener.id);
  wanted?.focus();
}

function buttonOf(menu) {
  const { opener: id } = menu.dataset;
  return id ? document.getElementById(id) : document.querySelector(`[popovertarget="${menu.id}"]`);
}

function refreshKeys(name) {
  const keys = document.querySelector("#keys");
  if (keys) htmx.trigger(keys, "refresh");
  if (name) toast(`“${name}” created.`);
}

function outside(event) {
  const box = dialog().getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

// Shows a refusal in place of the form, and leads to the sign-in after the session has ended.
function onAnswer(event) {
  const { xhr, target, pathInfo } = event.detail;
  const { signIn } = document.body.dataset;
  if (xhr.responseURL && new URL(xhr.responseURL).pathname === signIn && location.pathname !== signIn) {
    event.detail.shouldSwap = false;
    location.assign(`${signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
  } else if (target === body() && pathInfo) {
    event.detail.shouldSwap = xhr.status !== 204;
    event.detail.isError = false;
    event.detail.ignoreTitle = true;
    if (/^\s*<!doctype/i.test(xhr.responseText)) event.detail.selectOverride = "#refusal";
  }
}

// Once for each content: htmx settles a little after it swaps, and the focus may have moved by then.
function focusFirst() {
  const content = body().firstElementChild;
  if (!dialog().open || content === greeted) return;
  greeted = content;
  if (focusWrong(body())) return;
  (body().querySelector("[autofocus]") ?? body().querySelector("[data-first]"))?.focus();
  dialog().scrollTop = 0;
}
