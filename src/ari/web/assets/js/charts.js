// The numbers of a bar, for the pointer, the finger and the arrow keys. The table behind the chart says the same.

import { say } from "./say.js";
import { dateText } from "./times.js";

export function startCharts() {
  for (const plot of document.querySelectorAll("[data-chart-plot]")) start(plot);
}

function start(plot) {
  const bars = [...plot.querySelectorAll(".chart-bar")];
  const tip = plot.querySelector("[data-chart-tip]");
  let shown = -1;
  const { chartUnit, chartZone } = plot.dataset;
  const rows = plot.closest("[data-chart]").querySelectorAll("tbody tr");
  for (const [number, bar] of bars.entries()) {
    const [head, accepted, refused] = rows[number].cells;
    head.textContent = dateText(new Date(Number(bar.dataset.at)), chartUnit, chartZone);
    Object.assign(bar.dataset, {
      label: head.textContent,
      accepted: accepted.textContent,
      refused: refused?.textContent ?? "",
    });
  }

  const show = (number) => {
    bars[shown]?.classList.remove("is-shown");
    shown = number;
    const bar = bars[number];
    tip.hidden = !bar;
    if (!bar) return;
    bar.classList.add("is-shown");
    fill(tip, plot, bar);
    place(tip, plot, bar);
  };

  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${plot.dataset.chartName}. Use the arrow keys to read the values.`);
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    show(Math.min(bars.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * bars.length))));
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("blur", () => show(-1));
  plot.addEventListener("keydown", (event) => {
    const next = step(event.key, shown, bars.length);
    if (event.key === "Escape") return show(-1);
    if (next === null) return;
    event.preventDefault();
    show(next);
    say(words(plot, bars[next]));
  });
}

function step(key, shown, count) {
  const last = count - 1;
  if (key === "ArrowLeft") return shown < 0 ? last : Math.max(0, shown - 1);
  if (key === "ArrowRight") return Math.min(last, shown + 1);
  if (key === "Home") return 0;
  return key === "End" ? last : null;
}

function words(plot, bar) {
  const { label, accepted, refused } = bar.dataset;
  const { chartFirst, chartSecond } = plot.dataset;
  return `${label}: ${accepted} ${chartFirst}${chartSecond ? `, ${refused} ${chartSecond}` : ""}`;
}

function fill(tip, plot, bar) {
  const { label, accepted, refused } = bar.dataset;
  const { chartFirst, chartSecond } = plot.dataset;
  const lines = [
    ["chart-tip-head", label],
    ["swatch swatch-accepted", `${accepted} ${chartFirst}`],
  ];
  if (chartSecond) lines.push(["swatch swatch-refused", `${refused} ${chartSecond}`]);
  tip.replaceChildren(
    ...lines.map(([name, text]) => Object.assign(document.createElement("div"), { className: name, textContent: text })),
  );
}

function place(tip, plot, bar) {
  const box = plot.getBoundingClientRect();
  const slot = bar.querySelector(".chart-slot").getBoundingClientRect();
  const middle = slot.left + slot.width / 2 - box.left;
  const left = Math.min(Math.max(middle - tip.offsetWidth / 2, 0), box.width - tip.offsetWidth);
  tip.style.insetInlineStart = `${left}px`;
}
