// What the chart shows under the pointer, in words.
import type uPlot from "uplot";
import { duration } from "./words";

type Series = Record<string, (number | null)[]>;

export function tip(box: HTMLElement, names: string[], read: () => Series): uPlot.Plugin {
  const labels = (box.dataset.labels ?? "").split("|");
  const note = document.createElement("div");
  note.className = "tip";
  note.hidden = true;

  function text(series: Series, index: number): string {
    const at = new Date((series.time?.[index] ?? 0) * 1000);
    const lines = names.map((name, place) => {
      const value = series[name]?.[index] ?? null;
      const said = box.dataset.chart === "bars" ? String(value ?? 0) : value === null ? "–" : duration(value);
      return `${labels[place] ?? name}: ${said}`;
    });
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    return [at.toLocaleTimeString(document.documentElement.lang, clock), ...lines].join("\n");
  }

  function follow(plot: uPlot): void {
    const { idx, left } = plot.cursor;
    note.hidden = idx === null || idx === undefined || left === undefined || left < 0;
    if (note.hidden) return;
    note.textContent = text(read(), idx as number);
    const over = (left as number) > plot.over.clientWidth / 2;
    note.style.left = over ? "" : `${(left as number) + 80}px`;
    note.style.right = over ? `${plot.over.clientWidth - (left as number) + 24}px` : "";
  }

  return {
    hooks: {
      ready: () => box.append(note),
      setCursor: follow,
      destroy: () => note.remove(),
    },
  };
}
