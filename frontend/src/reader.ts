// What the reader is doing that nothing may disturb.

export type Hold = "" | "hidden" | "selected" | "open";

export function holds(): Hold {
  if (document.hidden) return "hidden";
  if (document.querySelector("dialog[open], details[data-menu][open]")) return "open";
  const selection = getSelection();
  const main = document.getElementById("main");
  if (selection && !selection.isCollapsed && main?.contains(selection.anchorNode)) return "selected";
  return "";
}

/** Whether rows are ticked, so that none may move; what they say still changes. */
export function ticks(): boolean {
  return document.querySelector("[data-select]:checked") !== null;
}

/** Calls back whenever the answer of `holds` may have changed. */
export function onReader(callback: () => void): void {
  document.addEventListener("visibilitychange", callback);
  document.addEventListener("selectionchange", callback);
  document.addEventListener("toggle", callback, true);
  document.addEventListener("close", callback, true);
}

/** Whether the reader has scrolled past the top of a list, so that its rows must stay. */
export function readsOn(list: Element): boolean {
  const bar = document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0;
  return list.getBoundingClientRect().top < bar - 1;
}
