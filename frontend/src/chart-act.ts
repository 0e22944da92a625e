// Pointer and keys on a chart: select to zoom in, choose a step to see its tasks.
import type uPlot from "uplot";
import type { Chart, Line } from "./chart-data";

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The page with another range; Back leads to the one before. */
function zoom(from: number, to: number): void {
  const url = new URL(location.href);
  url.searchParams.delete("range");
  url.searchParams.set("from", iso(from));
  url.searchParams.set("to", iso(Math.min(to, Math.floor(Date.now() / 1000))));
  location.assign(url);
}

function list(address: string | null, from: number, step: number): void {
  if (address === null) return;
  const url = new URL(address, location.href);
  url.searchParams.set("after", iso(from));
  url.searchParams.set("before", iso(from + step));
  location.assign(url);
}

export function acts(box: HTMLElement, chart: () => Chart, lines: () => Line[]): uPlot.Plugin {
  let here = -1;
  let anchor = -1;
  let dragged = false;

  /** The line whose piece of the bar lies at a height, or the nearest above it. */
  function at(self: uPlot, index: number): Line | undefined {
    const height = self.posToVal(self.cursor.top ?? 0, "y");
    let sum = 0;
    for (const line of lines()) {
      sum += line.values[index] ?? 0;
      if (height <= sum) return line;
    }
    return undefined;
  }

  function click(self: uPlot): void {
    const index = self.cursor.idx;
    if (dragged || index === null || index === undefined) return;
    const line = chart().kind === "bars" ? at(self, index) : undefined;
    list(line ? line.list : chart().list, chart().time[index] ?? 0, chart().step);
  }

  function select(self: uPlot): void {
    const { left, width } = self.select;
    dragged = width > 0;
    if (!dragged) return;
    const { step, time } = chart();
    const first = time[0] ?? 0;
    const snap = (position: number, up: number): number =>
      first + Math.floor((self.posToVal(position, "x") - first) / step + up) * step;
    zoom(snap(left, 0), snap(left + width, 1));
  }

  function go(self: uPlot, index: number, selecting: boolean): void {
    const { time, step } = chart();
    if (!selecting) anchor = -1;
    else if (anchor < 0) anchor = here;
    here = Math.min(Math.max(index, 0), time.length - 1);
    const x = (place: number): number => self.valToPos((time[0] ?? 0) + place * step, "x");
    const [from, to] = anchor < 0 ? [here, here] : [Math.min(anchor, here), Math.max(anchor, here) + 1];
    const [left, right] = [x(from), Math.min(x(to), self.over.clientWidth)];
    self.setSelect({ left, width: right - left, top: 0, height: self.over.clientHeight }, false);
    self.setCursor({ left: x(here) + (x(1) - x(0)) / 4, top: self.over.clientHeight / 2 });
  }

  function press(self: uPlot, event: KeyboardEvent): void {
    const { time, step } = chart();
    const start = here < 0 ? time.length : here;
    const places: Record<string, number> = {
      ArrowLeft: start - 1,
      ArrowRight: here + 1,
      Home: 0,
      End: time.length - 1,
    };
    const place = places[event.key];
    if (place !== undefined) go(self, place, event.shiftKey);
    else if (event.key === "Escape") clear(self);
    else if (event.key !== "Enter" || here < 0) return;
    else if (anchor < 0) list(chart().list, time[here] ?? 0, step);
    else zoom(time[Math.min(anchor, here)] ?? 0, (time[Math.max(anchor, here)] ?? 0) + step);
    event.preventDefault();
    event.stopPropagation();
  }

  function clear(self: uPlot): void {
    [here, anchor] = [-1, -1];
    self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    self.setCursor({ left: -10, top: -10 });
  }

  const keys = new AbortController();
  return {
    hooks: {
      ready: (self) => {
        const { signal } = keys;
        self.over.addEventListener("click", () => click(self), { signal });
        box.addEventListener("keydown", (event) => press(self, event), { signal });
        box.addEventListener("blur", () => clear(self), { signal });
      },
      setSelect: select,
      destroy: () => keys.abort(),
    },
  };
}
