// A click anywhere in a row follows the link on its name.

export function startRows() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row]");
    const link = row?.querySelector("a[data-row-link]");
    if (!link || event.target.closest("a, button, input, label, summary") || !getSelection().isCollapsed) return;
    if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
    else link.click();
  });
}
