// The strip below a list: what is selected, what else could be, and what can be done with it.
import { isEmpty, type Selection, selection } from "./selection";
import { toast } from "./toast";
import { say } from "./words";

const MOST_IN_A_LINK = 100;

/** What the page knows of everything that its filter finds. */
export function matching(): HTMLElement | null {
  return document.getElementById("matching");
}

/** `whole`: every row of the page is ticked. */
export function showStrip(whole: boolean): void {
  const bar = document.getElementById("selected");
  if (!bar) return;
  const now = selection();
  const byId = "ids" in now;
  const said = byId ? say("%(n)s selected", { n: now.ids.length }) : now.said;
  tell(isEmpty() ? (bar.hidden ? "" : say("Nothing selected")) : said);
  bar.hidden = isEmpty();
  write(bar.querySelector("[data-selected-count]"), said);
  const offer = bar.querySelector<HTMLElement>("[data-select-matching]");
  if (offer) offer.hidden = !(byId && whole && matching()?.dataset.more !== undefined);
  write(offer, matching()?.dataset.offer ?? "");
  const page = bar.querySelector<HTMLElement>("[data-select-page]");
  if (page) page.hidden = whole || !byId;
  const copy = bar.querySelector<HTMLElement>("[data-copy-ids]");
  if (copy) copy.hidden = !byId;
  for (const link of bar.querySelectorAll<HTMLAnchorElement>("[data-export-selected]")) {
    const query = asked(now);
    query.set("format", link.dataset.exportSelected ?? "");
    link.href = `${new URL(link.href).pathname}?${query}`;
    link.hidden = byId && now.ids.length > MOST_IN_A_LINK;
  }
}

/** The selection in the language of addresses. */
function asked(now: Selection): URLSearchParams {
  if ("ids" in now) return new URLSearchParams(now.ids.map((id) => ["id", id]));
  const query = new URLSearchParams(now.filter);
  // Of two such ends the later one would hold.
  if (!query.has("before")) query.set("before", now.bound);
  return query;
}

function write(place: Element | null, text: string): void {
  if (place && place.textContent !== text) place.textContent = text;
}

/** Aloud, and politely. */
export function tell(text: string): void {
  if (text) write(document.getElementById("selected-said"), text);
}

export async function copyIds(): Promise<void> {
  const now = selection();
  if (!("ids" in now)) return;
  try {
    await navigator.clipboard.writeText(now.ids.join("\n"));
    toast(say("%(n)s ids copied", { n: now.ids.length }));
  } catch {
    toast(say("This browser does not let pages copy here."), "failed");
  }
}
