// Settings > Integrations: announces test results, and clears provider keys from fields once they are sent or left.

import { say } from "./say.js";
import { toast } from "./toasts.js";

export function startIntegrations() {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (!elt.matches("[data-try]")) return;
    elt.closest("article").setAttribute("aria-busy", "true");
    say(`Testing ${elt.dataset.try}… (up to 10 seconds)`);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const word = event.detail.elt.querySelector?.("[data-try-word]");
    if (!word) return;
    say(word.dataset.tryWord);
    event.detail.elt.querySelector("[data-try] button")?.focus();
  });
  for (const name of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(name, onFailure);
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-wipe]")) setTimeout(() => wipe(event.target));
  });
  addEventListener("pagehide", () => wipe(document));
}

function onFailure(event) {
  const { elt } = event.detail;
  if (!elt.matches("[data-try]")) return;
  elt.closest("article").removeAttribute("aria-busy");
  toast("Couldn't run the test: ARI isn't responding. Try again.", "bad");
}

function wipe(place) {
  for (const field of place.querySelectorAll("[data-secret-field]")) field.value = "";
}
