import { togglePause } from "./live";
import { nextTheme } from "./theme-switch";

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

export function help(): void {
  const dialog = document.getElementById("keys");
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

function search(): void {
  const input = document.querySelector<HTMLInputElement>("[data-search]");
  if (input) input.focus();
  else go("t");
}

function go(section: string): void {
  document.querySelector<HTMLElement>(`.nav a[data-key="${CSS.escape(section)}"]`)?.click();
}

const KEYS: Record<string, () => void> = {
  "/": search,
  "?": help,
  j: () => step(1),
  k: () => step(-1),
  l: togglePause,
  t: nextTheme,
  go: () => go("o"),
  gt: () => go("t"),
  gw: () => go("w"),
};

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=radio]), select, textarea");
}

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const act = KEYS[prefix + event.key];
    prefix = event.key === "g" && !prefix ? "g" : "";
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.querySelector("[data-opens=keys]")?.addEventListener("click", help);
}
