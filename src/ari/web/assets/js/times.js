// <time data-local> shows UTC without scripting, the viewer's zone with it; the exact UTC stays in its title.

import { keep } from "./preferences.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const SHAPES = { full: () => full, log: (moment) => (isToday(moment) ? today : short) };

export function startTimes() {
  if (zone) keep("ari_zone", zone); // charts are divided by the days of this zone, on the server
  localise(document);
  document.addEventListener("htmx:afterSwap", (event) => localise(event.detail.target));
  const note = document.querySelector("[data-zone]");
  if (note && zone && zone !== "UTC") note.textContent = `Times are in your zone, ${zone}; point at one for its exact UTC.`;
}

export function localise(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (zone && !Number.isNaN(moment.valueOf())) element.textContent = SHAPES[element.dataset.local](moment).format(moment);
  }
}

function isToday(moment) {
  return moment.toDateString() === new Date().toDateString();
}
