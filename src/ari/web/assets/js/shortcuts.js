// Single-key shortcuts (WCAG 2.1.4: they can be switched off, and never act while something is being typed). A link or a
// field names its key: data-key="c".

import { openDialog } from "./dialogs.js";

export function startShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (document.body.dataset.shortcuts !== "on" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [popover], [contenteditable]")) return;
    const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!link) return;
    event.preventDefault();
    if (link.matches("input")) link.select();
    else if (link.matches("[data-dialog]")) openDialog(link.getAttribute("href"));
    else link.click();
  });
}
