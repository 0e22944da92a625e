// Fetches the page again and changes what is different.
import { Idiomorph } from "idiomorph";
import { keepLeavers, leavers, release } from "./leavers";
import { arrived } from "./news";
import { readsOn, ticks } from "./reader";

export class SignedOut extends Error {}

let etag = "";

/** Resolves once the page shows what the server says now; rejects when it cannot be had. */
export async function refresh(): Promise<void> {
  const headers = new Headers({ "X-Requested-With": "monitor" });
  if (etag) headers.set("If-None-Match", etag);
  const response = await fetch(location.href, {
    headers,
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(20_000),
  });
  if (response.type === "opaqueredirect") throw new SignedOut();
  if (response.status === 304) return;
  if (!response.ok) throw new Error(String(response.status));
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  etag = response.headers.get("ETag") ?? "";
  show(next);
}

/** Forget what is shown, so that the next refresh brings all of it. */
export function forget(): void {
  etag = "";
}

let moving = false;

/** The reader asks for the list as it is now: rows may move, and those that left may go. */
export function letMove(): void {
  forget();
  moving = true;
}

function show(next: Document): void {
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const other = next.getElementById(part.id);
    if (!other) continue;
    if (part.dataset.live === "list") showList(part, other);
    else morph(part, other);
  }
  moving = false;
  for (const data of document.querySelectorAll("script[type='application/json']")) {
    data.textContent = next.getElementById(data.id)?.textContent ?? data.textContent;
  }
  document.dispatchEvent(new Event("monitor:refreshed"));
}

function showList(list: HTMLElement, other: HTMLElement): void {
  const left = moving ? new Set<Element>() : leavers(list, other);
  if (moving) release(list);
  if (!moving && (readsOn(list) || ticks())) keepPlaces(list, other);
  else morph(list, other, left);
  void keepLeavers(left, morph);
  arrived(list, other);
}

/** Rows that are shown change where they are; new ones wait until the reader comes back. */
function keepPlaces(list: HTMLElement, other: HTMLElement): void {
  for (const row of list.querySelectorAll<HTMLElement>("[data-rows] > tr[id]")) {
    const now = other.querySelector(`#${CSS.escape(row.id)}`);
    if (now) morph(row, now);
  }
}

// What only this browser knows: what is unfolded, ticked, marked.
const OURS = new Set(["open", "checked", "data-here", "data-done"]);

export function morph(shown: Element, next: Element, staying = new Set<Element>()): void {
  Idiomorph.morph(shown, next, {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeAttributeUpdated: (name) => !OURS.has(name),
      beforeNodeRemoved: (node) => !(node instanceof Element && staying.has(node)),
      afterNodeAdded: (node) => {
        if (node instanceof HTMLTableRowElement) node.classList.add("changed");
      },
    },
  });
}
