// The charts of a page; they follow the theme, the width, the legend and each refresh.
import uPlot from "uplot";
import { acts } from "./chart-act";
import { type Chart, drawn, type Line, read, shape, shown } from "./chart-data";
import { options, size } from "./chart-draw";
import { hatched } from "./chart-gaps";
import { tip } from "./chart-tip";

function start(box: HTMLElement): void {
  const id = box.dataset.chart ?? "";
  const off = new Set<string>();
  let chart: Chart = read(id);
  let lines: Line[] = [];
  let plot: uPlot | undefined;
  let made = "";
  let held = false;

  function again(): void {
    plot?.destroy();
    lines = shown(chart, off);
    made = shape(chart, lines);
    const plugins = [
      hatched(box, () => chart.gaps),
      tip(box, () => chart, () => lines),
      acts(box, () => chart, () => lines),
    ];
    plot = new uPlot(options(box, chart, lines, plugins), drawn(chart, lines), box);
  }

  function follow(): void {
    // New numbers would take the selection away from under the pointer.
    if (held) return;
    chart = read(id);
    const next = shown(chart, off);
    if (shape(chart, next) !== made) return again();
    lines = next;
    plot?.setData(drawn(chart, lines));
  }

  again();
  new ResizeObserver(() => plot?.setSize(size(box))).observe(box);
  box.addEventListener("pointerdown", () => (held = true));
  addEventListener("pointerup", () => (held = false));
  document.getElementById(`${id}-legend`)?.parentElement?.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    if (input.checked) off.delete(input.dataset.line ?? "");
    else off.add(input.dataset.line ?? "");
    again();
  });
  document.addEventListener("monitor:refreshed", follow);
  document.addEventListener("monitor:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

for (const box of document.querySelectorAll<HTMLElement>("[data-chart]")) start(box);
