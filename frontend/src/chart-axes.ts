// What stands beside a chart: times in the page's zone, and numbers.
import uPlot from "uplot";
import type { Chart } from "./chart-data";
import { duration, level } from "./words";

const language = document.documentElement.lang || "en";
const DAY = 86_400;

export function zoned(zone: string): (seconds: number) => Date {
  return (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);
}

function form(zone: string, parts: Intl.DateTimeFormatOptions): (seconds: number) => string {
  const format = new Intl.DateTimeFormat(language, { timeZone: zone, hourCycle: "h23", ...parts });
  return (seconds) => format.format(seconds * 1000);
}

const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const TWELVE = { hour: "numeric", minute: "2-digit", hourCycle: "h12" } as const;
const DATE = { day: "numeric", month: "short" } as const;

/** A point of time in words, as exact as the chart is. */
export function moment(chart: Chart): (seconds: number) => string {
  const parts = chart.step >= DAY ? DATE : { ...DATE, ...(chart.twelve ? TWELVE : CLOCK) };
  return form(chart.zone, parts);
}

/** Clock times; the day where one begins. */
export function times({ zone, twelve }: Chart): uPlot.Axis.Values {
  const [clock, date, shown] = [form(zone, CLOCK), form(zone, DATE), form(zone, twelve ? TWELVE : CLOCK)];
  return (_self, splits, _axis, _space, increment) =>
    splits.map((seconds) => {
      return increment >= DAY || clock(seconds) === "00:00" ? date(seconds) : shown(seconds);
    });
}

export function counts(_self: uPlot, splits: number[]): string[] {
  const format = new Intl.NumberFormat(language, { notation: "compact" });
  return splits.map((value) => (value % 1 ? "" : format.format(value)));
}

export function levels(_self: uPlot, splits: number[]): string[] {
  return splits.map(level);
}

export function durations(_self: uPlot, splits: number[]): string[] {
  return splits.map(duration);
}

/** The lines of a logarithmic axis: durations that people think in. */
export function steps(_self: uPlot, _axis: number, low: number, high: number): number[] {
  return [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000].filter(
    (seconds) => seconds >= low && seconds <= high,
  );
}
