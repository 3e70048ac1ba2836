// Enhances the pages. Without scripting, everything works except copying.

import "htmx.org";

import { startChosen } from "./js/chosen.js";
import { startCharts } from "./js/charts.js";
import { startCopying } from "./js/copy.js";
import { startDialogs } from "./js/dialogs.js";
import { startDownloading } from "./js/download.js";
import { startEntry } from "./js/entry.js";
import { startEnvFile } from "./js/env-file.js";
import { startFields } from "./js/fields.js";
import { startInPlace } from "./js/in-place.js";
import { startIntegrations } from "./js/integrations.js";
import { startJump } from "./js/jump.js";
import { startLive } from "./js/live.js";
import { startPreferences } from "./js/preferences.js";
import { startReveal } from "./js/reveal.js";
import { startRows } from "./js/rows.js";
import { startScopeFilter } from "./js/scope-filter.js";
import { startSearch } from "./js/search.js";
import { startShortcuts } from "./js/shortcuts.js";
import { startTabs } from "./js/tabs.js";
import { startTail } from "./js/tail.js";
import { startTimes } from "./js/times.js";
import { startToasts } from "./js/toasts.js";

startToasts();
startTimes();
startCopying();
startDownloading();
startReveal();
startDialogs();
startLive();
startTail();
startCharts();
startPreferences();
startRows();
startShortcuts();
startEntry();
startSearch();
startScopeFilter();
startChosen();
startInPlace();
startFields();
startIntegrations();
startTabs();
startEnvFile();
startJump();

// Browsers keep Secure cookies on https and loopback only, so no form of a page opened otherwise can work.
const httpsOnly = document.querySelector("[data-https-only]");
if (httpsOnly && !isSecureContext) httpsOnly.hidden = false;

// A page that the browser kept may be outdated, or must no longer be seen after signing out.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
