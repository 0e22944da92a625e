// Boxes and keys that select rows of a list.
import { bind } from "./keys";
import { copyIds, matching, showStrip } from "./selected";
import { begin, choose, chooseNothing, isEmpty, MOST_IDS, selection } from "./selection";
import { toast } from "./toast";
import { say } from "./words";

let anchor: HTMLTableRowElement | undefined;

function rows(): HTMLTableRowElement[] {
  return [...document.querySelectorAll<HTMLTableRowElement>("#list [data-rows] > tr[data-id]")];
}

function idOf(row: HTMLTableRowElement): string {
  return row.dataset.id ?? "";
}

/** Whether a row is in the selection, by what is known now. */
function teller(): (row: HTMLTableRowElement) => boolean {
  const now = selection();
  if ("ids" in now) {
    const ids = new Set(now.ids);
    return (row) => ids.has(idOf(row));
  }
  // What came later is not meant.
  const bound = Date.parse(now.bound);
  return (row) => Date.parse(row.dataset.time ?? "") <= bound;
}

/** Takes rows in or out; who takes a row out of all that match is left with those of the page. */
function change(changed: HTMLTableRowElement[], ticked: boolean): void {
  const now = selection();
  const ids = new Set("ids" in now ? now.ids : rows().filter(teller()).map(idOf));
  for (const row of changed) {
    if (ticked) ids.add(idOf(row));
    else ids.delete(idOf(row));
  }
  if (choose({ ids: [...ids] })) return;
  const n = MOST_IDS.toLocaleString(document.documentElement.lang || "en");
  toast(say("At most %(n)s tasks can be selected one by one", { n }), "failed");
  show();
}

function toggle(row: HTMLTableRowElement, far: boolean): void {
  if (far && anchor?.isConnected) {
    const all = rows();
    const [from, to] = [all.indexOf(anchor), all.indexOf(row)];
    change(all.slice(Math.min(from, to), Math.max(from, to) + 1), true);
  } else change([row], !teller()(row));
  anchor = row;
}

function none(): void {
  if (isEmpty()) return;
  anchor = undefined;
  chooseNothing();
  document.dispatchEvent(new Event("monitor:again"));
}

function everything(): void {
  const { filter = "", bound = "", chosen: said = "" } = matching()?.dataset ?? {};
  if (bound) choose({ filter, bound, said });
}

function here(): HTMLTableRowElement | undefined {
  const focused = document.activeElement?.closest<HTMLTableRowElement>("tr[data-id]");
  return focused ?? rows().find((row) => "here" in row.dataset);
}

/** Rows may be new, so every box is set to what we know. */
function show(): void {
  const [all, isIn] = [rows(), teller()];
  for (const row of all) {
    const box = row.querySelector<HTMLInputElement>("[data-select]");
    if (box) box.checked = isIn(row);
    row.classList.toggle("ticked", isIn(row));
  }
  const ticked = all.filter(isIn).length;
  const whole = ticked > 0 && ticked === all.length;
  const every = document.querySelector<HTMLInputElement>("[data-select-all]");
  if (every) {
    every.checked = whole;
    every.indeterminate = ticked > 0 && !whole;
  }
  showStrip(whole);
}

function onClick(event: MouseEvent): void {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return;
  const row = target.closest<HTMLTableRowElement>("tr[data-id]");
  if (row && target.matches("[data-select]")) toggle(row, event.shiftKey);
  else if (target instanceof HTMLInputElement && target.matches("[data-select-all]")) {
    if (target.checked) change(rows(), true);
    else none();
  } else if (target.closest("[data-select-page]")) change(rows(), true);
  else if (target.closest("[data-select-matching]")) everything();
  else if (target.closest("[data-select-none]")) none();
  else if (target.closest("[data-copy-ids]")) void copyIds();
}

export function startSelect(): void {
  if (!document.getElementById("selected")) return;
  begin(matching()?.dataset.filter ?? "");
  document.addEventListener("click", onClick);
  const act = (far: boolean) => () => {
    const row = here();
    if (row) toggle(row, far);
  };
  bind("x", act(false));
  bind("X", act(true));
  bind("s", () => {
    document.querySelector<HTMLElement>("#selected:not([hidden]) .btn:not([hidden])")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    const busy = document.querySelector("dialog[open], details[data-menu][open]");
    const typing = event.target instanceof Element && event.target.matches("[data-search]");
    if (event.key === "Escape" && !busy && !typing) none();
  });
  // From a page that means all of these tasks; asked for once, not after each step back.
  if (location.hash === "#select-all") {
    everything();
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  document.addEventListener("monitor:selected", show);
  document.addEventListener("monitor:refreshed", show);
  // Also after a step back to a page that the browser had kept.
  addEventListener("pageshow", () => {
    begin(matching()?.dataset.filter ?? "");
    show();
  });
}
