// Elements with data-local show UTC without scripting, and with it the viewer's time zone in the viewer's locale; the
// exact UTC stays in their title. The shapes are those of date_text in web/words.py.

import { keep } from "./preferences.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const date = { month: "short", day: "numeric" };
const seconds = { hour: "numeric", minute: "2-digit", second: "2-digit" };
const time = { hour: "numeric", minute: "2-digit" };
const SHAPES = {
  full: { dateStyle: "medium", timeStyle: "medium" },
  log: { ...date, ...seconds },
  today: seconds,
  hour: { weekday: "short", ...date, ...time },
  day: { weekday: "short", ...date },
  week: date,
  date,
  time,
};
const formats = new Map();

export function startTimes() {
  if (zone) keep("ari_zone", zone); // charts are divided by the days of this zone, on the server
  localise(document);
  document.addEventListener("htmx:afterSwap", (event) => localise(event.detail.target));
  const note = document.querySelector("[data-zone-note]");
  if (note && zone && zone !== "UTC") note.textContent = `Times are in your time zone (${zone}). Hover for UTC.`;
}

export function localise(root) {
  if (!zone) return;
  for (const element of root.querySelectorAll("[data-local]")) {
    const moment = new Date(element.dateTime ?? Number(element.dataset.at));
    element.textContent = dateText(moment, element.dataset.local, element.dataset.zone);
  }
}

export function dateText(moment, shape, timeZone = zone) {
  const text = format(shape === "log" && isToday(moment) ? "today" : shape, timeZone).format(moment);
  return shape === "week" ? `Week of ${text}` : text;
}

function format(shape, timeZone) {
  const name = `${shape} ${timeZone}`;
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(undefined, { ...SHAPES[shape], timeZone }));
  return formats.get(name);
}

function isToday(moment) {
  return moment.toDateString() === new Date().toDateString();
}
