// A short word about what was just done; it goes by itself, unless something went wrong.

export type Kind = "succeeded" | "failed" | "waiting";

const LASTS = 6_000;

export function toast(text: string, kind: Kind = "succeeded"): void {
  const pattern = document.getElementById("toast");
  const place = document.getElementById("toasts");
  if (!(pattern instanceof HTMLTemplateElement) || !place) return;
  const shown = pattern.content.firstElementChild?.cloneNode(true);
  if (!(shown instanceof HTMLElement)) return;
  shown.classList.add(`toast-${kind}`);
  shown.querySelector("use")?.setAttribute("href", `#i-${kind}`);
  shown.querySelector("p")?.append(text);
  shown.querySelector("button")?.addEventListener("click", () => shown.remove());
  place.append(shown);
  if (kind !== "failed") goLater(shown);
}

function goLater(shown: HTMLElement): void {
  const go = () => (shown.matches(":hover, :focus-within") ? goLater(shown) : shown.remove());
  setTimeout(go, LASTS);
}

/** Bundles stand alone, so others than monitor.ts ask by an event. */
/** What the page was loaded with goes as others do. */
function startTold(): void {
  for (const shown of document.querySelectorAll<HTMLElement>("#toasts [data-told]")) {
    shown.querySelector("button")?.addEventListener("click", () => shown.remove());
    if (shown.dataset.told === "succeeded") goLater(shown);
  }
}

export function startToasts(): void {
  startTold();
  document.addEventListener("monitor:toast", (event) => {
    if (event instanceof CustomEvent) toast(event.detail.text, event.detail.kind);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-toast]");
    if (!(button instanceof HTMLElement)) return;
    toast(button.dataset.toast ?? "", button.dataset.kind as Kind | undefined);
  });
}
