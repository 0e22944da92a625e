// The numbers of a chart as the page carries them, and what of them is drawn.
import type uPlot from "uplot";

export type Column = (number | null)[];

export interface Line {
  key: string;
  label: string;
  colour: string;
  values: Column;
  list: string | null;
}

export interface Gap {
  from: number;
  to: number;
  reason: string;
}

export interface Chart {
  kind: "bars" | "lines" | "levels";
  zone: string;
  // Of twelve hours twice a day.
  twelve: boolean;
  step: number;
  time: number[];
  lines: Line[];
  gaps: Gap[];
  // The tasks behind it, of any time; null for who may not see them.
  list: string | null;
}

const NONE: Chart = { kind: "bars", zone: "UTC", twelve: false, step: 60, time: [], lines: [], gaps: [], list: null };

export function read(id: string): Chart {
  return { ...NONE, ...JSON.parse(document.getElementById(id)?.textContent ?? "{}") } as Chart;
}

/** The lines that the legend has not switched off. */
export function shown(chart: Chart, off: Set<string>): Line[] {
  return chart.lines.filter((line) => !off.has(line.key));
}

/** Bars stand on each other: a column holds the sum of itself and those below; the top one is first. */
function stacked(columns: Column[]): Column[] {
  const sums: Column[] = [];
  for (const column of columns) {
    const below = sums.at(-1);
    sums.push(column.map((value, index) => (value === null ? null : value + (below?.[index] ?? 0))));
  }
  return sums.reverse();
}

export function drawn(chart: Chart, lines: Line[]): uPlot.AlignedData {
  const columns = lines.map((line) => line.values);
  return [chart.time, ...(chart.kind === "bars" ? stacked(columns) : columns)] as uPlot.AlignedData;
}

/** Equal for what one drawing can show by taking new numbers. */
export function shape(chart: Chart, lines: Line[]): string {
  return JSON.stringify([chart.kind, chart.zone, chart.step, lines.map((line) => [line.key, line.colour])]);
}
