// Rows that are ticked: what can be done with them, and that they stay where they are.
import { bind } from "./keys";
import { toast } from "./toast";
import { say } from "./words";

const MOST_IN_A_LINK = 100;
const chosen = new Set<string>();
let anchor: HTMLTableRowElement | undefined;

function rows(): HTMLTableRowElement[] {
  return [...document.querySelectorAll<HTMLTableRowElement>("#list [data-rows] > tr[data-id]")];
}

function box(row: HTMLTableRowElement): HTMLInputElement | null {
  return row.querySelector<HTMLInputElement>("[data-select]");
}

function set(row: HTMLTableRowElement, ticked: boolean): void {
  const id = row.dataset.id ?? "";
  if (ticked) chosen.add(id);
  else chosen.delete(id);
}

/** From the last one that was ticked to this one. */
function range(row: HTMLTableRowElement): void {
  const all = rows();
  const [from, to] = [all.indexOf(anchor ?? row), all.indexOf(row)];
  for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) set(each, true);
}

function toggle(row: HTMLTableRowElement, far: boolean): void {
  if (far && anchor?.isConnected) range(row);
  else set(row, !chosen.has(row.dataset.id ?? ""));
  anchor = row;
  show();
}

function none(): void {
  if (!chosen.size) return;
  chosen.clear();
  anchor = undefined;
  show();
  document.dispatchEvent(new Event("monitor:again"));
}

function here(): HTMLTableRowElement | undefined {
  const focused = document.activeElement?.closest<HTMLTableRowElement>("tr[data-id]");
  return focused ?? rows().find((row) => "here" in row.dataset);
}

/** Rows may be new, so every box is set to what we know. */
function show(): void {
  const all = rows();
  for (const row of all) {
    const ticked = chosen.has(row.dataset.id ?? "");
    const own = box(row);
    if (own) own.checked = ticked;
    row.classList.toggle("ticked", ticked);
  }
  const ticked = all.filter((row) => chosen.has(row.dataset.id ?? "")).length;
  const every = document.querySelector<HTMLInputElement>("[data-select-all]");
  if (every) {
    every.checked = ticked > 0 && ticked === all.length;
    every.indeterminate = ticked > 0 && ticked < all.length;
  }
  strip(ticked > 0 && ticked === all.length);
}

function strip(whole: boolean): void {
  const bar = document.getElementById("selected");
  if (!bar) return;
  bar.hidden = chosen.size === 0;
  const count = bar.querySelector("[data-selected-count]");
  const text = say("%(n)s selected", { n: chosen.size });
  if (count && count.textContent !== text) count.textContent = text;
  const more = bar.querySelector<HTMLElement>("[data-selected-more]");
  const page = bar.querySelector<HTMLElement>("[data-select-page]");
  if (more) {
    more.hidden = !whole;
    more.textContent = say("The whole page. Export, above, takes all that match.");
  }
  if (page) page.hidden = whole;
  for (const link of bar.querySelectorAll<HTMLAnchorElement>("[data-export-selected]")) {
    const query = new URLSearchParams({ format: link.dataset.exportSelected ?? "" });
    for (const id of chosen) query.append("id", id);
    link.href = `${new URL(link.href).pathname}?${query}`;
    link.hidden = chosen.size > MOST_IN_A_LINK;
  }
}

async function copyIds(): Promise<void> {
  try {
    await navigator.clipboard.writeText([...chosen].join("\n"));
    toast(say("%(n)s ids copied", { n: chosen.size }));
  } catch {
    toast(say("This browser does not let pages copy here."), "failed");
  }
}

export function startSelect(): void {
  if (!document.getElementById("selected")) return;
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof HTMLElement)) return;
    const row = target.closest<HTMLTableRowElement>("tr[data-id]");
    if (row && target.matches("[data-select]")) toggle(row, event.shiftKey);
    else if (target.matches("[data-select-all]")) all((target as HTMLInputElement).checked);
    else if (target.closest("[data-select-page]")) all(true);
    else if (target.closest("[data-select-none]")) none();
    else if (target.closest("[data-copy-ids]")) void copyIds();
  });
  const act = (far: boolean) => () => {
    const row = here();
    if (row) toggle(row, far);
  };
  bind("x", act(false));
  bind("X", act(true));
  document.addEventListener("keydown", (event) => {
    const busy = document.querySelector("dialog[open], details[data-menu][open]");
    const typing = event.target instanceof Element && event.target.matches("[data-search]");
    if (event.key === "Escape" && !busy && !typing) none();
  });
  document.addEventListener("monitor:refreshed", show);
}

function all(ticked: boolean): void {
  if (!ticked) return none();
  for (const row of rows()) set(row, true);
  show();
}
