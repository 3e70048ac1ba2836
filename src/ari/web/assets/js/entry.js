// Setup and sign-in: the token from the link's fragment, which no server ever sees, and the password's eye.

export function startEntry() {
  takeToken();
  // A link that is pasted while its page is open changes only the fragment and loads nothing.
  window.addEventListener("hashchange", takeToken);
  document.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-eye]");
    const input = eye && document.getElementById(eye.getAttribute("aria-controls"));
    if (!input) return;
    const secret = input.matches("[data-secret-field]");
    const show = secret ? input.classList.contains("veiled") : input.type === "password";
    if (secret) input.classList.toggle("veiled", !show);
    else input.type = show ? "text" : "password";
    eye.setAttribute("aria-pressed", String(show));
  });
}

function takeToken() {
  const field = document.querySelector("[data-setup-token]");
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!field || !given) return;
  field.value = given;
  field.closest("[data-setup-paste]").hidden = true;
  history.replaceState(null, "", location.pathname);
  document.querySelector("[data-after-token]")?.focus();
}
