// Keeps the page as it is on the server: by socket, else by asking every few seconds.
import { startNews } from "./news";
import { holds, onReader } from "./reader";
import { forget, refresh, SignedOut } from "./refresh";
import { connect } from "./socket";
import { duration, say } from "./words";

const POLL = 5_000;
const AT_MOST_EVERY = 1_000;
// Health depends on the clock, so a page that hears nothing asks now and then.
const ANYWAY = 15_000;

// The revision of the rows in the page, or on their way into it.
let shown = Number(document.body.dataset.revision || NaN);
let connected = false;
let paused = false;
let signedOut = false;
let failed = false;
let due = false;
let busy = false;
let asked = 0;
let fresh = Date.now();
let timer = 0;

/** Ask the server for the page anew. */
export function changed(): void {
  due = true;
  turn();
}

function heard(revision: number): void {
  if (revision !== shown) changed();
  shown = revision;
}

function turn(): void {
  clearTimeout(timer);
  show();
  if (!due || busy || paused || signedOut || holds()) return;
  const wait = asked + AT_MOST_EVERY - Date.now();
  if (wait > 0) timer = setTimeout(turn, wait);
  else void ask();
}

async function ask(): Promise<void> {
  busy = true;
  due = false;
  asked = Date.now();
  try {
    await refresh();
    fresh = Date.now();
    failed = false;
  } catch (error) {
    signedOut = error instanceof SignedOut;
    failed = true;
    due = true;
    asked = Date.now() + POLL;
  }
  busy = false;
  turn();
}

function state(): [key: string, word: string] {
  if (signedOut) return ["lost", say("Signed out")];
  if (paused) return ["paused", say("Paused")];
  if (failed) return ["lost", say("Connection lost")];
  if (holds() === "selected") return ["paused", say("Paused while text is selected")];
  return connected ? ["live", say("Live")] : ["polling", say("Polling")];
}

function show(): void {
  const button = document.querySelector<HTMLElement>("[data-live-state]");
  const status = document.getElementById("live-status");
  if (!button || !status) return;
  const [key, word] = state();
  const lag = Number(document.querySelector<HTMLElement>("[data-lag]")?.dataset.lag || NaN);
  const old = say("%(t)s old", { t: duration(Math.floor((Date.now() - fresh) / 1000)) });
  const behind = Number.isNaN(lag) ? "" : say("%(t)s behind", { t: duration(lag) });
  const age = key === "live" ? behind : old;
  button.dataset.liveState = key;
  const [label, ages] = button.querySelectorAll("span");
  write(label, word);
  write(ages, age);
  // Only what it is gets announced, not the seconds that pass.
  write(status, word);
}

function write(element: Element | undefined, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

export function togglePause(): void {
  if (signedOut) location.reload();
  paused = !paused;
  due = true;
  turn();
}

function again(): void {
  forget();
  asked = 0;
  changed();
}

export function startLive(): void {
  // Pages that only say why there is nothing to see have no such button.
  if (!document.querySelector("button.live")) return;
  const url = document.body.dataset.liveUrl;
  document.querySelector("button.live")?.addEventListener("click", togglePause);
  startNews(again);
  onReader(turn);
  setInterval(() => {
    const idle = Date.now() - asked;
    if (idle > (connected ? ANYWAY : POLL)) changed();
    else show();
  }, 1_000);
  if (url) connect(url, heard, (open) => ((connected = open), turn()));
  show();
}
