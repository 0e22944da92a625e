// Fetches the page again and changes what is different.
import { Idiomorph } from "idiomorph";
import { arrived } from "./news";
import { readsOn } from "./reader";

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

function show(next: Document): void {
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const other = next.getElementById(part.id);
    if (!other) continue;
    if (part.dataset.live === "list" && readsOn(part)) keepPlaces(part, other);
    else morph(part, other);
    if (part.dataset.live === "list") arrived(part, other);
  }
  for (const data of document.querySelectorAll("script[type='application/json']")) {
    data.textContent = next.getElementById(data.id)?.textContent ?? data.textContent;
  }
  document.dispatchEvent(new Event("monitor:refreshed"));
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

function morph(shown: Element, next: Element): void {
  Idiomorph.morph(shown, next, {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeAttributeUpdated: (name) => !OURS.has(name),
      afterNodeAdded: (node) => {
        if (node instanceof HTMLTableRowElement) node.classList.add("changed");
      },
    },
  });
}
