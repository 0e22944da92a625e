// One letter, or "g" and a letter; never while somebody types or a dialog is open.
import { open } from "./dialogs";
import { togglePause } from "./live";
import { nextTheme } from "./theme-switch";

const OFF = "celery-monitor-keys-off";

type Act = (event: KeyboardEvent) => void;

let prefix = "";

function rows(): HTMLTableRowElement[] {
  return [...document.querySelectorAll<HTMLTableRowElement>("[data-rows] > tr")];
}

function step(by: number): void {
  const all = rows();
  const here = all.findIndex((row) => "here" in row.dataset);
  const next = all[Math.min(Math.max(here + by, 0), all.length - 1)];
  if (!next) return;
  for (const row of all) delete row.dataset.here;
  next.dataset.here = "";
  next.querySelector("a")?.focus();
}

function search(): void {
  const input = document.querySelector<HTMLInputElement>("[data-search]");
  if (input) input.focus();
  else section("t")?.click();
}

function section(letter: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`.nav a[data-key="${CSS.escape(letter)}"]`);
}

const KEYS = new Map<string, Act>([
  ["/", search],
  ["?", () => open("keys")],
  ["j", () => step(1)],
  ["k", () => step(-1)],
  ["r", togglePause],
  ["t", nextTheme],
]);

/** A key of one page; tell of it in the template's block `keys`. */
export function bind(key: string, act: Act): void {
  KEYS.set(key, act);
}

function meant(key: string): Act | undefined {
  if (!prefix) return KEYS.get(key);
  const link = section(key);
  return link ? () => link.click() : undefined;
}

function isTyping(target: EventTarget | null): boolean {
  const field = "input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]";
  return target instanceof HTMLElement && target.matches(field);
}

/** Who dictates, or whose screen reader has letters of its own, has none of ours. */
function areOff(): boolean {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function startSwitch(): void {
  const box = document.querySelector<HTMLInputElement>("[data-keys-switch]");
  if (!box) return;
  box.checked = !areOff();
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      // Then there is no way to remember it.
      box.checked = true;
    }
  });
}

export function startKeys(): void {
  startSwitch();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") || areOff()) return;
    const act = meant(event.key);
    prefix = event.key === "g" && !prefix ? "g" : "";
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}
