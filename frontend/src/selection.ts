// What is selected in a list: tasks by their ids, or all that its filter finds up to a moment.

/** `bound`: tasks of a later time are not meant. `said` names it as it was when it was chosen. */
export type Selection = { ids: string[] } | { filter: string; bound: string; said: string };

/** So many ids can be selected; of more, the filter. */
export const MOST_IDS = 1_000;

const KEY = "celery-monitor-selected:";
const NOTHING = { ids: [] } as Selection;
let key = "";
let chosen = NOTHING;

export function selection(): Selection {
  return chosen;
}

export function isEmpty(): boolean {
  return "ids" in chosen && chosen.ids.length === 0;
}

/** Tells all who listen to `monitor:selected`; false, and nothing changes, when it is too much. */
export function choose(next: Selection): boolean {
  if ("ids" in next && next.ids.length > MOST_IDS) return false;
  chosen = next;
  keep();
  document.dispatchEvent(new Event("monitor:selected"));
  return true;
}

export function chooseNothing(): void {
  choose(NOTHING);
}

/** The selection in the list of this filter, which lasts as long as the tab. */
export function begin(filter: string): void {
  key = KEY + filter;
  try {
    chosen = understood(JSON.parse(sessionStorage.getItem(key) ?? "null"));
  } catch {
    chosen = NOTHING;
  }
}

function keep(): void {
  try {
    if (isEmpty()) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(chosen));
  } catch {
    // Then it lasts as long as the page.
  }
}

function understood(found: unknown): Selection {
  if (typeof found !== "object" || found === null) return NOTHING;
  const { ids, filter, bound, said } = found as Record<string, unknown>;
  if (Array.isArray(ids)) return { ids: ids.map(String).slice(0, MOST_IDS) };
  if (typeof filter !== "string" || typeof bound !== "string") return NOTHING;
  return { filter, bound, said: String(said) };
}
