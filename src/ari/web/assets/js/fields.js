// A field's error disappears as soon as the field is edited. The server checks the form again when it is submitted.

export function startFields() {
  document.addEventListener("input", (event) => {
    const wrong = event.target.closest?.('[aria-invalid="true"]'); // in a group of choices, its fieldset
    for (const id of listDescriptions(wrong)) if (id.endsWith("-error")) removeError(id);
    wrong?.removeAttribute("aria-invalid");
  });
}

const listDescriptions = (field) => field?.getAttribute("aria-describedby")?.split(" ") ?? [];

// Email and password share one error, which is about both.
function removeError(id) {
  document.getElementById(id)?.remove();
  for (const field of document.querySelectorAll(`[aria-describedby~="${id}"]`)) {
    const kept = listDescriptions(field).filter((one) => one !== id);
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (kept.length > 0) field.setAttribute("aria-describedby", kept.join(" "));
  }
}
