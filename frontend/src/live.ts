// Keeps the page as it is on the server: by socket, else by asking every few seconds.
import { startNews } from "./news";
import { every, startEvery, stop } from "./every";
import { type Hold, holds, onReader } from "./reader";
import { forget, letMove, refresh, SignedOut } from "./refresh";
import { connect } from "./socket";
import { duration, say } from "./words";

const POLL = 5_000;
const AT_MOST_EVERY = 1_000;
const CEILING = 60_000;
// Health depends on the clock, so a page that hears nothing asks now and then.
const ANYWAY = 15_000;

// The revision of the rows in the page, or on their way into it.
let shown = Number(document.body.dataset.revision || NaN);
let connected = false;
let paused = false;
let signedOut = false;
let failures = 0;
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
  const pause = failures ? 0 : Math.max(every(), AT_MOST_EVERY);
  const wait = asked + pause - Date.now();
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
    failures = 0;
  } catch (error) {
    signedOut = error instanceof SignedOut;
    due = true;
    asked = Date.now() + Math.min(POLL * 1.2 ** failures, CEILING);
    failures += 1;
  }
  busy = false;
  turn();
}

function state(): [key: string, word: string] {
  if (signedOut) return ["lost", say("Signed out")];
  if (paused) return ["paused", say("Paused")];
  if (failures) return ["lost", say("Connection lost")];
  const reason = REASONS[holds()];
  if (reason) return ["paused", say(reason)];
  return connected ? ["live", say("Live")] : ["polling", say("Polling")];
}

const REASONS: Record<Hold, string> = {
  "": "",
  hidden: "Paused while this tab is hidden",
  selected: "Paused while text is selected",
  open: "Paused while a menu is open",
};

function show(): void {
  const button = document.querySelector<HTMLElement>("[data-live-state]");
  const status = document.getElementById("live-status");
  if (!button || !status) return;
  const [key, word] = state();
  const lag = Number(document.querySelector<HTMLElement>("[data-lag]")?.dataset.lag || NaN);
  const old = say("%(t)s old", { t: duration(Math.floor((Date.now() - fresh) / 1000)) });
  const behind = Number.isNaN(lag) ? "" : say("%(t)s behind", { t: duration(lag) });
  const next = Math.max(0, Math.ceil((asked - Date.now()) / 1000));
  const again = say("again in %(t)s", { t: duration(next) });
  const age = key === "live" ? behind : key === "lost" && failures && !busy ? again : old;
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
  stop(paused);
  due = true;
  turn();
}

function again(): void {
  forget();
  asked = 0;
  changed();
}

function anew(): void {
  letMove();
  again();
}

export function startLive(): void {
  // Pages that only say why there is nothing to see have no such button.
  if (!document.querySelector("button.live")) return;
  const url = document.body.dataset.liveUrl;
  document.querySelector("button.live")?.addEventListener("click", togglePause);
  startNews(anew);
  document.addEventListener("monitor:again", again);
  startEvery((off) => {
    paused = off;
    due = true;
    turn();
  });
  onReader(turn);
  setInterval(() => {
    const idle = Date.now() - asked;
    const longest = Math.max(connected && !every() ? ANYWAY : POLL, every());
    if (idle > longest) changed();
    else show();
  }, 1_000);
  if (url) connect(url, heard, (open) => ((connected = open), turn()));
  show();
}
