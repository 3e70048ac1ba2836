// Announces a text to screen readers. An open dialog hides the page behind it, so it has its own region.

export function say(text) {
  const place = document.querySelector("dialog[open] [data-say]") ?? document.querySelector("[data-say]");
  if (!place) return;
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 60);
}
