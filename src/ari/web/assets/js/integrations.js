// Settings > Integrations: what a test tells is said aloud, and no provider key stays in a field that was sent or left.

import { say } from "./say.js";
import { toast } from "./toasts.js";

export function startIntegrations() {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (!elt.matches("[data-try]")) return;
    elt.closest("article").setAttribute("aria-busy", "true");
    say(`Asking ${elt.dataset.try}. This takes ten seconds at most.`);
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
  toast("The test could not be made: ARI does not answer. Try again.", "bad");
}

function wipe(place) {
  for (const field of place.querySelectorAll("[data-secret-field]")) field.value = "";
}
