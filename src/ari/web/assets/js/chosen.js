// Selected rows: their count, "select all", and the buttons that act on them; and the keys that a question is about.

export function startChosen() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-subject]")) return countSubjects(event.target.form);
    if (event.target.matches("[data-tick-all]")) {
      for (const tick of ticks()) tick.checked = event.target.checked;
    } else if (!event.target.matches("[data-tick]")) return;
    show();
  });
  document.addEventListener("htmx:afterSettle", show);
  show();
}

export const someChosen = () => ticks().some((tick) => tick.checked);

const ticks = () => [...document.querySelectorAll("[data-tick]")];

function countSubjects(form) {
  const count = [...form.elements].filter((one) => one.matches("[data-subject]:checked")).length;
  const button = form.querySelector("[data-subject-count]");
  button.textContent = `${button.dataset.subjectCount} ${count === 1 ? "1 key" : `${count} keys`}`;
}

function show() {
  const place = document.querySelector("[data-chosen]");
  if (!place) return;
  const all = ticks();
  const count = all.filter((tick) => tick.checked).length;
  const box = place.querySelector("[data-tick-all]");
  box.checked = count > 0 && count === all.length;
  box.indeterminate = count > 0 && count < all.length;
  place.toggleAttribute("data-some", count > 0);
  place.querySelector("[data-chosen-text]").textContent = count ? `${count} selected` : "Select all on this page";
}
