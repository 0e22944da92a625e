// Ages and running durations go on by themselves between two refreshes.
import { age, duration } from "./words";

// The server's clock counts; this machine's may be wrong.
const ahead = Number(document.body.dataset.now) - Date.now() / 1000 || 0;

function tick(): void {
  const now = Date.now() / 1000 + ahead;
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ticks]")) {
    const seconds = now - Date.parse(time.dateTime) / 1000;
    const text = time.dataset.ticks === "ago" ? age(seconds) : elapsed(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}

function elapsed(seconds: number): string {
  // Tenths that change each second are noise.
  return duration(seconds < 1 ? seconds : Math.floor(seconds));
}

export function startTicks(): void {
  setInterval(() => document.hidden || tick(), 1000);
}
