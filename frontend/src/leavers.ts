// Rows whose task no longer matches the filters stay, greyed, until the reader asks for the list anew.
import { say } from "./words";

// A list that everything leaves would become nothing but grey.
const MOST = 10;

function rowsOf(list: Element): HTMLTableRowElement[] {
  return [...list.querySelectorAll<HTMLTableRowElement>("[data-rows] > tr[id]")];
}

/** Rows that are shown and not in `other`, although older ones are: nothing newer pushed them out. */
export function leavers(list: Element, other: Element): Set<Element> {
  const stay = new Set(rowsOf(other).map((row) => row.id));
  const full = other.querySelector("a[rel=next]") !== null;
  const shown = rowsOf(list);
  const last = shown.findLastIndex((row) => stay.has(row.id));
  const gone = shown.filter((row, place) => !stay.has(row.id) && (place < last || !full));
  // Greyed once, they stay; the latest of them.
  return new Set(gone.slice(0, MOST));
}

export function release(list: Element): void {
  for (const row of list.querySelectorAll("tr.left")) row.remove();
}

/** Greys them and shows what became of them. */
export async function keepLeavers(
  left: Set<Element>,
  morph: (shown: Element, next: Element) => void,
): Promise<void> {
  const fresh = [...left].filter((row) => !row.classList.contains("left"));
  if (fresh.length === 0) return;
  for (const row of fresh) grey(row);
  const url = new URL(location.pathname, location.href);
  for (const row of fresh) url.searchParams.append("id", (row as HTMLElement).dataset.id ?? "");
  for (const column of new URL(location.href).searchParams.getAll("column"))
    url.searchParams.append("column", column);
  try {
    const response = await fetch(url, { cache: "no-store", redirect: "error" });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const row of fresh) {
      const now = page.getElementById(row.id);
      if (!now || !row.isConnected) continue;
      morph(row, now);
      grey(row);
    }
  } catch {
    // The next refresh says that the connection is lost.
  }
}

function grey(row: Element): void {
  row.classList.add("left");
  row.setAttribute("title", say("No longer matches the filters"));
}
