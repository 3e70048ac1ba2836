// The account menu: theme and shortcuts change immediately; without scripting the buttons are plain forms.

import { say } from "./say.js";

const YEAR_SECONDS = 31_536_000;

export function startPreferences() {
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

function setShortcuts(pressed) {
  const on = pressed.value === "on";
  keep("ari_shortcuts", pressed.value);
  document.body.dataset.shortcuts = pressed.value;
  for (const button of document.querySelectorAll("button[name=shortcuts]")) {
    button.value = on ? "off" : "on";
    button.setAttribute("aria-pressed", String(on));
    button.querySelector("[data-state]").textContent = on ? "On" : "Off";
  }
  say(`Single-key shortcuts are ${on ? "on" : "off"}.`);
}

export function keep(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${YEAR_SECONDS}${secure}`;
}
