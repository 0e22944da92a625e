// Charts of the figures in #series; they follow the theme, the width and each refresh.
import uPlot from "uplot";
import { tip } from "./chart-tip";
import { duration } from "./words";

type Column = (number | null)[];
type Series = Record<string, Column>;

const COLOURS: Record<string, string> = {
  succeeded: "--ok",
  retried: "--retry",
  failed: "--fail",
  p50: "--ok",
  p95: "--run",
  p99: "--revoked",
};

function read(): Series {
  return JSON.parse(document.getElementById("series")?.textContent ?? "{}") as Series;
}

/** A custom property as a colour that a canvas understands. */
function colour(box: HTMLElement, name: string): string {
  box.style.color = `var(${name})`;
  const found = getComputedStyle(box).color;
  box.style.color = "";
  return found;
}

/** Bars stand on each other: a series holds the sum of itself and those below. */
function stacked(columns: Column[]): Column[] {
  const sums: Column[] = [];
  for (const column of columns) {
    const below = sums.at(-1);
    sums.push(column.map((value, index) => (value ?? 0) + (below?.[index] ?? 0)));
  }
  return sums.reverse();
}

function data(box: HTMLElement, names: string[]): uPlot.AlignedData {
  const series = read();
  const columns = names.map((name) => series[name] ?? []);
  const drawn = box.dataset.chart === "bars" ? stacked(columns) : columns;
  return [(series.time ?? []) as number[], ...drawn];
}

function options(box: HTMLElement, names: string[]): uPlot.Options {
  const bars = box.dataset.chart === "bars";
  const [ink, line] = [colour(box, "--ink-3"), colour(box, "--line")];
  const font = `11.5px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const series = (bars ? names.toReversed() : names).map((name): uPlot.Series => {
    const stroke = colour(box, COLOURS[name] ?? "--run");
    if (!bars) return { stroke, width: 1.75, points: { show: false }, spanGaps: false };
    const paths = uPlot.paths.bars?.({ size: [0.8, 18], align: 1, radius: 0.1 });
    return { stroke, fill: stroke, width: 0, points: { show: false }, ...(paths && { paths }) };
  });
  const values = bars ? plain : (_self: uPlot, splits: number[]) => splits.map(duration);
  return {
    width: box.clientWidth - 24,
    height: box.clientHeight - 12,
    cursor: { drag: { x: false, y: false }, y: false, points: { show: !bars } },
    legend: { show: false },
    scales: {
      x: { time: true, range: (_self, low, high) => [low, bars ? high + 60 : high] },
      y: bars ? { range: fromZero } : { distr: 3 },
    },
    axes: [
      { ...axis, grid: { show: false }, values: clock, space: 64, size: 28 },
      { ...axis, values, size: 60, ...(bars ? {} : { splits: steps, filter: every }) },
    ],
    series: [{}, ...series],
    plugins: [tip(box, names, read)],
  };
}

function fromZero(_self: uPlot, _low: number, high: number): [number, number] {
  return [0, Math.max(high * 1.08, 4)];
}

function plain(_self: uPlot, splits: number[]): string[] {
  return splits.map((value) => (value % 1 ? "" : value.toLocaleString(document.documentElement.lang)));
}

/** Left to itself, uPlot names the powers of ten only. */
function every(_self: uPlot, splits: number[]): number[] {
  return splits;
}

/** The lines of a logarithmic axis: durations that people think in. */
function steps(_self: uPlot, _axis: number, low: number, high: number): number[] {
  return [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000].filter(
    (seconds) => seconds >= low && seconds <= high,
  );
}

function clock(_self: uPlot, splits: number[]): string[] {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return splits.map((seconds) => form.format(seconds * 1000));
}

function start(box: HTMLElement): void {
  const names = (box.dataset.columns ?? "").split(" ");
  let plot = new uPlot(options(box, names), data(box, names), box);
  const again = (): void => {
    plot.destroy();
    plot = new uPlot(options(box, names), data(box, names), box);
  };
  new ResizeObserver(() => {
    plot.setSize({ width: box.clientWidth - 24, height: box.clientHeight - 12 });
  }).observe(box);
  document.addEventListener("monitor:refreshed", () => plot.setData(data(box, names)));
  document.addEventListener("monitor:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

for (const box of document.querySelectorAll<HTMLElement>("[data-chart]")) start(box);
