// What the chart shows under the pointer, in words.
import type uPlot from "uplot";
import { moment } from "./chart-axes";
import type { Chart, Line } from "./chart-data";
import { duration, level, say } from "./words";

const plain = new Intl.NumberFormat(document.documentElement.lang || "en");

export function tip(box: HTMLElement, chart: () => Chart, lines: () => Line[]): uPlot.Plugin {
  const note = document.createElement("div");
  note.className = "tip";
  note.hidden = true;

  function row(mark: string, label: string, value: string): HTMLElement {
    const [line, dot, name, number] = ["p", "i", "span", "b"].map((tag) => document.createElement(tag));
    if (dot && mark) dot.className = mark;
    if (name) name.textContent = label;
    if (number) number.textContent = value;
    line?.append(...(mark ? [dot as Node] : []), name as Node, number as Node);
    return line as HTMLElement;
  }

  function text(index: number): void {
    const { kind, time, step, gaps } = chart();
    const at = time[index] ?? 0;
    const said = (value: number | null): string => {
      if (value === null) return "–";
      if (kind === "levels") return level(value);
      return kind === "bars" ? plain.format(value) : duration(value);
    };
    const values = lines().map((line) => line.values[index] ?? null);
    const rows = lines().map((line, place) => row(line.colour, line.label, said(values[place] ?? null)));
    if (kind === "bars" && rows.length > 1) {
      const sum = values.reduce((total: number, value) => total + (value ?? 0), 0);
      rows.push(row("", say("Total"), plain.format(sum)));
    }
    const inside = gaps.filter((gap) => gap.from < at + step && gap.to > at);
    const reasons = [...new Set(inside.map((gap) => gap.reason))];
    const heading = row("", moment(chart())(at), "");
    note.replaceChildren(heading, ...rows.reverse(), ...reasons.map((reason) => row("hole", reason, "")));
  }

  function follow(plot: uPlot): void {
    const { idx, left } = plot.cursor;
    note.hidden = idx === null || idx === undefined || left === undefined || left < 0;
    if (note.hidden) return;
    text(idx as number);
    const [start, end] = [(left as number) + plot.over.offsetLeft, plot.over.clientWidth];
    const over = (left as number) > end / 2;
    note.style.left = over ? "" : `${start + 24}px`;
    note.style.right = over ? `${box.clientWidth - start}px` : "";
  }

  return {
    hooks: {
      ready: () => box.append(note),
      setCursor: follow,
      destroy: () => note.remove(),
    },
  };
}
