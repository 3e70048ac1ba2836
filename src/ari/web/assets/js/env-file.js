// "Download as .env": the file is made here, of the key that is shown; the server is not asked again (security.md 31).

const KEPT_MS = 10_000;

export function startEnvFile() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-env-file]");
    const secret = document.querySelector("#secret")?.textContent.trim();
    if (!button || !secret) return;
    const text = `ARI_API_KEY=${secret}\nARI_URL=${button.dataset.envAddress}\n`;
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = button.dataset.envFile;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
    button.dispatchEvent(new CustomEvent("ari:saved", { bubbles: true }));
  });
}
