// What the pages gain with scripting. Without it every page works but for copying.

import "htmx.org";

import { startCharts } from "./js/charts.js";
import { startCopying } from "./js/copy.js";
import { startDialogs } from "./js/dialogs.js";
import { startEntry } from "./js/entry.js";
import { startLive } from "./js/live.js";
import { startPreferences } from "./js/preferences.js";
import { startReveal } from "./js/reveal.js";
import { startRows } from "./js/rows.js";
import { startShortcuts } from "./js/shortcuts.js";
import { startTail } from "./js/tail.js";
import { startTimes } from "./js/times.js";
import { startToasts } from "./js/toasts.js";

startToasts();
startTimes();
startCopying();
startReveal();
startDialogs();
startLive();
startTail();
startCharts();
startPreferences();
startRows();
startShortcuts();
startEntry();

// A page kept by the browser may show what no longer holds, or what a signed-out visitor must not see.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
