// The API docs: a list of endpoints, and the reference, which is large and is loaded when someone opens it.

const docs = document.querySelector("[data-docs]");
const reference = document.querySelector("[data-docs-reference]");
let loading = null;
let left = 0;

function preload() {
  const parts = document.querySelector("#reference-parts");
  if (parts) document.head.append(parts.content);
  parts?.remove();
}

// An address with a fragment (#tag/api-keys/create_key) is a part of the reference; without one it is the list.
function show(clicked) {
  if (location.hash === "#main") return; // the skip link
  const open = location.hash.length > 1;
  if (open === docs.hidden) return;
  if (open) left = scrollY;
  docs.hidden = open;
  reference.hidden = !open;
  if (open && clicked) reference.focus({ preventScroll: true });
  if (open) load();
  else scrollTo({ top: left, behavior: "instant" });
}

function load() {
  if (loading) return;
  const wait = document.querySelector("#reference-wait");
  wait.textContent = "Loading the reference…";
  preload();
  loading = import("./js/reference.js").catch(() => {
    loading = null;
    wait.textContent = "Couldn't load the reference. Reload the page to try again.";
  });
}

show(false);
addEventListener("hashchange", () => show(true));
// Preloads the parts as soon as the pointer or the focus reaches a link to the reference.
for (const kind of ["pointerover", "focusin"]) {
  docs.addEventListener(kind, (event) => event.target.closest("a[href*='#']") && preload());
}
