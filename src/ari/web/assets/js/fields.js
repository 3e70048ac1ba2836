// Leads to the first field with an error. An error disappears as soon as its field is edited; the server checks the
// form again when it is submitted.

export function startFields() {
  focusWrong(document.querySelector("main"), 'form[method="post"] ');
  document.addEventListener("click", (event) => {
    const error = event.target.closest?.(".problem-list a")?.hash.slice(1);
    const field = error && document.querySelector(`[aria-describedby~="${CSS.escape(error)}"]`);
    if (!field) return; // an error of several fields: the browser scrolls to its text
    event.preventDefault();
    focusField(field);
  });
  document.addEventListener("input", (event) => {
    const wrong = event.target.closest?.('[aria-invalid="true"]'); // in a group of choices, its fieldset
    for (const id of listDescriptions(wrong)) if (id.endsWith("-error")) removeError(id);
    wrong?.removeAttribute("aria-invalid");
  });
}

// Whether there was one. In a group of choices, its first control gets the focus.
export function focusWrong(place, within = "") {
  const field = place?.querySelector(`${within}[aria-invalid="true"]`);
  if (field) focusField(field);
  return Boolean(field);
}

function focusField(field) {
  for (let part = field.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  const control = field.matches("fieldset") ? field.querySelector("input:checked, input, select, textarea") : field;
  (control ?? field).focus();
}

const listDescriptions = (field) => field?.getAttribute("aria-describedby")?.split(" ") ?? [];

// Email and password share one error, which is about both.
function removeError(id) {
  document.getElementById(id)?.remove();
  removeFromList(id);
  for (const field of document.querySelectorAll(`[aria-describedby~="${id}"]`)) {
    const kept = listDescriptions(field).filter((one) => one !== id);
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (kept.length > 0) field.setAttribute("aria-describedby", kept.join(" "));
  }
}

function removeFromList(id) {
  const entry = document.querySelector(`.problem-list a[href="#${CSS.escape(id)}"]`)?.closest("li");
  if (!entry) return;
  const list = entry.closest(".problem-list");
  entry.remove();
  const left = list.querySelectorAll("li").length;
  if (left === 0) list.remove();
  else list.querySelector("p").textContent = left === 1 ? "1 error in this form:" : `${left} errors in this form:`;
}
