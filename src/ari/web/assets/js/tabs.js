// Tabs (WAI-ARIA): a click or the arrow keys choose; without scripting every panel is shown.

export function startTabs() {
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tabs] [role=tab]");
    if (tab) choose(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-tabs] [role=tab]");
    if (!tab) return;
    const tabs = [...tab.closest("[role=tablist]").children];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = { Home: tabs[0], End: tabs.at(-1) }[event.key] ?? (step && tabs.at((tabs.indexOf(tab) + step) % tabs.length));
    if (!to) return;
    event.preventDefault();
    choose(to);
    to.focus();
  });
}

function choose(chosen) {
  for (const tab of chosen.closest("[role=tablist]").children) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("is-on", tab === chosen);
  }
}
