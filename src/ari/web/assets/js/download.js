// Download buttons: <button data-download="#id" data-download-name> saves that element's text as a file made right here.

import { say } from "./say.js";

export function startDownloading() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-download]");
    const source = button && document.querySelector(button.dataset.download);
    if (!source) return;
    const head = button.dataset.downloadHead ? `${button.dataset.downloadHead}\n\n` : "";
    save(button.dataset.downloadName, `${head}${source.textContent.trim()}\n`);
    say(`Saved as ${button.dataset.downloadName}.`);
    button.closest("[data-reveal]")?.setAttribute("data-copied-once", "");
  });
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
