// Short messages about what was done: shown by the server on the next page, or by scripts at once.

const STAYS_MS = 7000;

export function startToasts() {
  for (const shown of document.querySelectorAll(".toast")) announce(shown);
  document.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast").remove());
}

export function toast(text, kind = "good") {
  const made = document.querySelector("#toast-shape").content.firstElementChild.cloneNode(true);
  made.dataset.kind = kind;
  made.querySelector("[data-toast-text]").textContent = text;
  // Screen readers and keyboards can't reach a toast behind an open dialog.
  (document.querySelector("dialog[open] [data-toasts]") ?? document.querySelector("#toasts")).append(made);
  leaveLater(made);
}

// A status region speaks only what is added to it after the page has loaded.
function announce(shown) {
  const place = shown.parentElement;
  shown.remove();
  setTimeout(() => {
    place.append(shown);
    leaveLater(shown);
  }, 150);
}

function leaveLater(shown) {
  const timer = setInterval(() => {
    if (shown.matches(":hover, :focus-within")) return;
    shown.remove();
    clearInterval(timer);
  }, STAYS_MS);
}
