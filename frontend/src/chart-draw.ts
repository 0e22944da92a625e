// One chart as uPlot draws it, in the colours of the theme.
import uPlot from "uplot";
import { counts, durations, levels, steps, times, zoned } from "./chart-axes";
import type { Chart, Line } from "./chart-data";

/** A custom property as a colour that a canvas understands. */
export function colour(box: HTMLElement, name: string): string {
  box.style.color = `var(--${name})`;
  const found = getComputedStyle(box).color;
  box.style.color = "";
  return found;
}

export function size(box: HTMLElement): { width: number; height: number } {
  const style = getComputedStyle(box);
  const sides = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight);
  return { width: Math.max(box.clientWidth - sides, 120), height: Math.max(box.clientHeight - 12, 80) };
}

export function options(
  box: HTMLElement,
  chart: Chart,
  lines: Line[],
  plugins: uPlot.Plugin[],
): uPlot.Options {
  const bars = chart.kind === "bars";
  const [ink, line] = [colour(box, "ink-3"), colour(box, "line")];
  const font = `11.5px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    ...size(box),
    tzDate: zoned(chart.zone),
    cursor: { drag: { x: true, y: false, setScale: false, dist: 6 }, y: false, points: { show: !bars } },
    legend: { show: false },
    scales: {
      // Bars begin at their time; the last one needs its room.
      x: { time: true, range: (_self, low, high) => [low, bars ? high + chart.step : high] },
      y: upright(chart.kind),
    },
    axes: [
      { ...axis, grid: { show: false }, values: times(chart), space: 64, size: 28 },
      { ...axis, ...said(chart.kind), size: 60 },
    ],
    series: [{}, ...(bars ? lines.toReversed() : lines).map((each) => series(box, each, bars))],
    plugins,
  };
}

function upright(kind: Chart["kind"]): uPlot.Scale {
  if (kind === "lines") return { distr: 3, range: around };
  const least = kind === "bars" ? 4 : 1;
  return { range: (_self, _low, high) => [0, Math.max(high * 1.08, least)] };
}

function said(kind: Chart["kind"]): uPlot.Axis {
  if (kind === "bars") return { values: counts };
  return kind === "levels" ? { values: levels } : { values: durations, splits: steps, filter: every };
}

function series(box: HTMLElement, line: Line, bars: boolean): uPlot.Series {
  const stroke = colour(box, line.colour);
  if (bars) {
    const paths = uPlot.paths.bars?.({ size: [0.82, 40], align: 1, radius: 0.1 });
    return { stroke, fill: stroke, width: 0, points: { show: false }, ...(paths && { paths }) };
  }
  return { stroke, width: 1.75, spanGaps: false, points: { size: 4, fill: stroke, filter: alone } };
}

/** A value between two that are missing has no line, so it gets a point. */
function alone(self: uPlot, place: number): number[] {
  const values = self.data[place] ?? [];
  const missing = (index: number): boolean => (values[index] ?? null) === null;
  return [...values.keys()].filter((index) => !missing(index) && missing(index - 1) && missing(index + 1));
}

/** Whole powers of ten, so that the axis does not jump with each refresh. */
function around(_self: uPlot, low: number, high: number): [number, number] {
  if (!(high > 0)) return [0.01, 10];
  return [10 ** Math.floor(Math.log10(Math.max(low, 1e-6))), 10 ** Math.ceil(Math.log10(high) + 0.02)];
}

/** Left to itself, uPlot names the powers of ten only. */
function every(_self: uPlot, splits: number[]): number[] {
  return splits;
}
