// The account menu: theme and shortcuts change at once; the same buttons are plain forms without scripting.

import { say } from "./say.js";

const YEAR_SECONDS = 31_536_000;

export function startPreferences() {
  const kept = /(?:^|; )ari_theme=(light|dark)(?:;|$)/.exec(document.cookie);
  if (kept) document.documentElement.dataset.theme = kept[1]; // pages of errors come without it
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-preferences]");
    const button = event.submitter;
    if (!form || !button) return;
    event.preventDefault();
    if (button.name === "theme") setTheme(form, button);
    if (button.name === "shortcuts") setShortcuts(button);
  });
}

function setTheme(form, button) {
  keep("ari_theme", button.value);
  if (button.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = button.value;
  for (const other of form.querySelectorAll("button[name=theme]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  say(`Theme: ${button.textContent.trim()}.`);
}

function setShortcuts(button) {
  const on = button.value === "on";
  keep("ari_shortcuts", button.value);
  document.body.dataset.shortcuts = button.value;
  button.value = on ? "off" : "on";
  button.setAttribute("aria-pressed", String(on));
  button.querySelector("[data-state]").textContent = on ? "On" : "Off";
}

export function keep(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${YEAR_SECONDS}${secure}`;
}
