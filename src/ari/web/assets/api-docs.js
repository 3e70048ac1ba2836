// The API docs list every operation by themselves. The reference, where they can be tried, is large: it is loaded when
// somebody opens it.

const docs = document.querySelector("[data-docs]");
const reference = document.querySelector("[data-docs-reference]");
let loading = null;
let left = 0;

function preload() {
  const parts = document.querySelector("#reference-parts");
  if (parts) document.head.append(parts.content);
  parts?.remove();
}

// Who comes from elsewhere to an operation of the reference (#tag/api-keys/create_key) reads ours, which is there at
// once, and opens the reference to try it. Who reloads the page or comes back to it finds it as it was left.
function arrive() {
  const [, name] = /^#tag\/[^/]+\/(\w+)$/.exec(location.hash) ?? [];
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  if (type !== "navigate" || !name || !docs.querySelector(`#${CSS.escape(name)}`)) return;
  history.replaceState(history.state, "", `#${name}`);
  document.getElementById(name).scrollIntoView();
}

// An address within the list (#create_key) unfolds it there; any other names a part of the reference.
function show(asked) {
  const name = decodeURIComponent(location.hash.slice(1));
  if (name === "main") return; // the skip link
  const listed = name !== "" ? document.getElementById(name) : docs;
  const open = !docs.contains(listed);
  const back = !open && docs.hidden;
  const opened = open && !docs.hidden;
  if (opened) left = scrollY;
  docs.hidden = open;
  reference.hidden = !open;
  if (opened && asked) reference.focus({ preventScroll: true });
  if (open) load();
  else if (listed.matches("details")) listed.open = true;
  else if (back) scrollTo({ top: left, behavior: "instant" });
}

function load() {
  if (loading) return;
  const wait = document.querySelector("#reference-wait");
  wait.textContent = "Opening the reference …";
  preload();
  loading = import("./js/reference.js").catch(() => {
    loading = null;
    wait.textContent = "The reference could not be loaded. Reload the page to try again.";
  });
}

arrive();
show(false);
addEventListener("hashchange", () => show(true));
// Whoever is about to open it gets its parts a little earlier.
for (const kind of ["pointerover", "focusin"]) {
  docs.addEventListener(kind, (event) => event.target.closest("[data-reference]") && preload());
}
