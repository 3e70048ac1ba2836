// The API reference of this instance. Everything that it would send, load or store elsewhere is off (security.md 32).

import { createApiReference } from "@scalar/api-reference";

const place = document.getElementById("reference");
const { csrf, description } = place.dataset;
const here = location.origin;
const dark = matchMedia("(prefers-color-scheme: dark)");

// Only curl, JavaScript and Python stay of the languages that it offers for code.
const OTHERS = "c clojure csharp dart fsharp go http java julia kotlin node objc ocaml php powershell r ruby rust swift";
const hidden = {
  ...Object.fromEntries(OTHERS.split(" ").map((name) => [name, true])),
  shell: ["wget", "httpie"],
  js: ["xhr", "axios", "ofetch", "jquery"],
  python: ["python3", "aiohttp", "httpx_async"],
};

const SAFE = /^(GET|HEAD|OPTIONS)$/;
const KEY_HEADERS = ["x-api-key", "authorization"];

// With a key, a request omits the session, so the response is the key's. Without one it uses the session and carries the
// CSRF token of this page (security.md 27). An empty field counts as no key.
function send(input, init) {
  const request = new Request(input, init);
  const headers = new Headers(request.headers);
  for (const name of KEY_HEADERS) {
    if (/^(bearer)?\s*$/i.test(headers.get(name) ?? "")) headers.delete(name);
  }
  const keyed = KEY_HEADERS.some((name) => headers.has(name));
  if (!keyed && csrf && !SAFE.test(request.method)) headers.set("x-csrf-token", csrf);
  return fetch(new Request(request, { headers, credentials: keyed ? "omit" : "same-origin" }));
}

function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function configuration() {
  return {
    url: description,
    servers: [{ url: here, description: "This instance" }],
    customFetch: send,
    authentication: { preferredSecurityScheme: "ApiKey" },
    persistAuth: false,
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    proxyUrl: "",
    externalUrls: { dashboardUrl: here, registryUrl: here, proxyUrl: here, apiBaseUrl: here },
    showDeveloperTools: "never",
    hideClientButton: true,
    hideDarkModeToggle: true,
    forceDarkModeState: theme(),
    theme: "none",
    layout: "modern",
    defaultOpenFirstTag: false,
    documentDownloadType: "json",
    modelsSectionLabel: "Schemas",
    operationTitleSource: "summary",
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    hiddenClients: hidden,
    setPageTitle: ({ title }) => `${title || "API docs"} · ARI`,
    generateTagSlug: ({ name }) => name.toLowerCase().replaceAll(" ", "-"),
    generateOperationSlug: ({ operationId }) => operationId,
  };
}

// Names, states and tab stops that its parts lack (axe: button-name, aria-input-field-name, aria-required-attr,
// scrollable-region-focusable: a long group's list of endpoints scrolls).
function addWhatIsMissing() {
  for (const button of document.querySelectorAll(".scalar-code-copy:not([aria-label])")) {
    button.setAttribute("aria-label", "Copy");
  }
  for (const field of document.querySelectorAll("[role=combobox][contenteditable]")) {
    if (!field.hasAttribute("aria-expanded")) field.setAttribute("aria-expanded", "false");
    if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", field.dataset.placeholder);
  }
  for (const list of document.querySelectorAll("ul.endpoints:not([tabindex])")) list.tabIndex = 0;
  scheduled = false;
}

let scheduled = false;
new MutationObserver(() => {
  if (!scheduled) requestAnimationFrame(addWhatIsMissing);
  scheduled = true;
}).observe(document.body, { childList: true, subtree: true });

// Evaluating it was one long task, drawing it is another: let the browser respond in between.
await (globalThis.scheduler?.yield?.() ?? new Promise((then) => setTimeout(then)));
createApiReference(place, {
  ...configuration(),
  onLoaded: () => document.getElementById("reference-wait")?.remove(),
});

// It reads its settings only once; afterwards its theme follows the class of the body.
function applyTheme() {
  document.body.classList.toggle("dark-mode", theme() === "dark");
  document.body.classList.toggle("light-mode", theme() === "light");
}

new MutationObserver(applyTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
dark.addEventListener("change", applyTheme);
