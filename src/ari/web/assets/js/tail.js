// The live tail of a key's log. Each request goes back a little further than the last response, since workers commit
// out of time order; rows that are here already are left out. A lease, renewed now and then, is what the server counts.

import { say } from "./say.js";
import { localise } from "./times.js";

const EVERY_MS = 2_000;
const RENEW_MS = 30_000;
const AGAIN_MS = 10_000;
const SAY_MS = 10_000;
const MOST_ROWS = 200;

export function startTail() {
  const log = document.querySelector("[data-tail]");
  if (!log) return;
  const button = log.querySelector("[data-tail-switch]");
  const tail = {
    log,
    button,
    rows: log.querySelector("[data-tail-rows]"),
    since: log.dataset.readAt,
    lease: "",
    leasedAt: 0,
    on: true,
    asking: false,
    unsaid: 0,
    saidAt: 0,
  };
  button.addEventListener("click", () => toggle(tail));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask(tail);
  });
  addEventListener("pagehide", () => giveBack(tail));
  setInterval(() => ask(tail), EVERY_MS);
}

function toggle(tail) {
  tail.on = !tail.on;
  tail.button.setAttribute("aria-pressed", String(tail.on));
  tail.button.textContent = tail.on ? "Pause" : "Resume";
  if (tail.on) {
    tail.leasedAt = 0;
    state(tail, "on", "Live");
    ask(tail);
  } else {
    giveBack(tail);
    state(tail, "paused", "Paused");
  }
}

function isBusy(tail) {
  const selection = getSelection();
  const selecting = !selection.isCollapsed && tail.rows.contains(selection.anchorNode);
  return document.hidden || selecting || document.querySelector("dialog[open]") !== null;
}

async function ask(tail) {
  if (!tail.on || tail.asking || isBusy(tail) || Date.now() < (tail.notBefore ?? 0)) return;
  tail.asking = true;
  try {
    if (!tail.lease || Date.now() - tail.leasedAt > RENEW_MS) await renew(tail);
    if (tail.lease && tail.on) await read(tail);
  } catch {
    state(tail, "off", "Paused: can't reach ARI");
  } finally {
    tail.asking = false;
  }
}

function form(tail, more) {
  return new URLSearchParams({ ...Object.fromEntries(new FormData(tail.log.querySelector("[data-tail-form]"))), ...more });
}

async function renew(tail) {
  const body = form(tail, tail.lease ? { lease: tail.lease } : {});
  const answer = await fetch(tail.log.dataset.tail, { method: "POST", body, headers: { "HX-Request": "true" } });
  if (follow(answer)) return;
  tail.lease = "";
  if (answer.status === 429) {
    tail.notBefore = Date.now() + AGAIN_MS;
    state(tail, "off", "Live view is limited to ten open tabs");
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  tail.lease = (await answer.json()).lease;
  tail.leasedAt = Date.now();
}

async function read(tail) {
  const asked = new URLSearchParams(location.search);
  asked.set("lease", tail.lease);
  asked.set("since", tail.since);
  const answer = await fetch(`${tail.log.dataset.tail}?${asked}`, { headers: { "HX-Request": "true" } });
  if (follow(answer)) return;
  if (answer.status === 409) {
    tail.lease = "";
    return;
  }
  if (answer.status === 404) return location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const shape = document.createElement("template");
  shape.innerHTML = await answer.text();
  const body = shape.content.querySelector("tbody");
  tail.since = body.dataset.readAt;
  take(tail, [...body.rows]);
  state(tail, "on", "Live");
}

// Leads to the sign-in after the session has ended.
function follow(answer) {
  const place = answer.headers.get("HX-Redirect");
  if (place) location.assign(place);
  return place !== null;
}

function take(tail, rows) {
  let fresh = 0;
  for (const row of rows.reverse()) {
    const before = tail.rows.querySelector(`[data-row="${CSS.escape(row.dataset.row)}"]`);
    if (before?.dataset.state === row.dataset.state) continue;
    localise(row);
    if (before) {
      before.replaceWith(row);
      continue;
    }
    const below = [...tail.rows.rows].find((other) => other.dataset.row < row.dataset.row) ?? null;
    if (!below && tail.rows.rows.length >= MOST_ROWS) continue;
    tail.rows.insertBefore(row, below);
    row.classList.add("is-new");
    fresh += 1;
  }
  while (tail.rows.rows.length > MOST_ROWS) tail.rows.lastElementChild.remove();
  if (tail.rows.rows.length > 0) {
    tail.log.querySelector("[data-tail-table]").hidden = false;
    tail.log.querySelector("[data-tail-empty]")?.remove();
  }
  announce(tail, fresh);
}

function announce(tail, fresh) {
  tail.unsaid += fresh;
  if (tail.unsaid === 0 || Date.now() - tail.saidAt < SAY_MS) return;
  say(tail.unsaid === 1 ? "1 new request" : `${tail.unsaid} new requests`);
  tail.unsaid = 0;
  tail.saidAt = Date.now();
}

function giveBack(tail) {
  if (tail.lease) navigator.sendBeacon(tail.log.dataset.tail, form(tail, { lease: tail.lease, end: "1" }));
  tail.lease = "";
}

function state(tail, name, text) {
  tail.log.dataset.tailState = name;
  const word = tail.log.querySelector("[data-tail-text]");
  if (word.textContent !== text) word.textContent = text;
}
