// The table and the URL follow the search field and the filters, so a reload or a link shows the same.

import htmx from "htmx.org";

const PAUSE_MS = 200;
const WHOLE_KEY = /([a-z][a-z0-9_]{0,18}_[0-9A-Za-z]{4})[0-9A-Za-z]{41}([0-9A-Za-z]{4})/;
const USUAL = { show: "all", sort: "-created" };
let timer;

export function startSearch() {
  const form = document.querySelector("[data-search]");
  if (!form) return;
  const field = form.querySelector("input[type=search]");
  form.addEventListener("input", (event) => hideWholeKey(event.target));
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => follow(form), PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (field.value === "") return field.blur();
    event.preventDefault();
    field.value = "";
    follow(form);
  });
  form.addEventListener("change", (event) => {
    if (event.target !== field) follow(form);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    follow(form);
  });
}

// A whole key must not get into a URL; its prefix finds it too.
export function hideWholeKey(field) {
  const found = WHOLE_KEY.exec(field.value);
  if (found) field.value = `${found[1]}…${found[2]}`;
}

function follow(form) {
  clearTimeout(timer);
  const table = document.querySelector(form.dataset.table);
  const parts = [...new FormData(form)].filter(([name, value]) => value !== "" && value !== USUAL[name]);
  const address = `${form.getAttribute("action")}?${new URLSearchParams(parts)}`;
  if (table.getAttribute("hx-get") === address) return;
  table.setAttribute("hx-get", address);
  htmx.process(table);
  history.replaceState(history.state, "", address);
  table.setAttribute("data-following", "");
  htmx.trigger(table, "refresh");
}
