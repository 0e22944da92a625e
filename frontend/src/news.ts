// "New tasks" instead of rows that move under the reader.
import { readsOn, ticks } from "./reader";
import { say } from "./words";

const strip = document.getElementById("news");
const button = strip?.querySelector("button");
// What was newest when the page came: an older page says only that there is something newer.
const newest = document.getElementById("list")?.dataset.newest;

export function arrived(list: HTMLElement, next: HTMLElement): void {
  if (!strip || !button) return;
  if (new URL(location.href).searchParams.has("cursor")) {
    strip.hidden = next.dataset.newest === newest;
    button.textContent = say("New tasks");
    return;
  }
  const shown = new Set([...list.querySelectorAll("[data-rows] > tr")].map((row) => row.id));
  const rows = [...next.querySelectorAll("[data-rows] > tr")];
  const fresh = rows.filter((row) => !shown.has(row.id)).length;
  const left = list.querySelectorAll("tr.left").length;
  strip.hidden = fresh + left === 0;
  const text = fresh
    ? say("%(n)s new", { n: fresh === rows.length ? `${fresh}+` : fresh })
    : say("%(n)s no longer match", { n: left });
  if (button.textContent !== text) button.textContent = text;
}

/** `again` refreshes the page at once; rows move then. */
export function startNews(again: () => void): void {
  button?.addEventListener("click", () => {
    const url = new URL(location.href);
    if (url.searchParams.has("cursor")) {
      url.searchParams.delete("cursor");
      location.assign(url);
      return;
    }
    scrollTo({ top: 0 });
    again();
  });
  addEventListener("scroll", () => {
    const list = document.getElementById("list");
    const asked = strip && !strip.hidden && list && !list.querySelector("tr.left");
    if (asked && !readsOn(list) && !ticks()) again();
  });
}
