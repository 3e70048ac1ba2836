// The field above a long list of scopes shows those whose name or description contains every word of it.

import { say } from "./say.js";

export function startScopeFilter() {
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-scope-filter]")) narrow(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-scope-filter]")) event.preventDefault();
  });
}

function narrow(field) {
  const list = field.closest("fieldset");
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const boxes = [...list.querySelectorAll(".tick")];
  for (const box of boxes) box.hidden = !words.every((word) => box.textContent.toLowerCase().includes(word));
  for (const row of list.querySelectorAll(".scope-row")) {
    row.dataset.wasOpen ??= String(row.open);
    row.hidden = !row.querySelector(".tick:not([hidden])");
    row.open = words.length > 0 || row.dataset.wasOpen === "true" || row.querySelector(":checked") !== null;
  }
  const count = boxes.filter((box) => !box.hidden).length;
  list.querySelector("[data-no-scope]").hidden = count > 0;
  say(`${count} of ${boxes.length} scopes`);
}
