// Takes more of a group out of its tile, and back, without leaving the page.

/** This page at another address; `href` is relative to it. */
export function turnTo(href: string): void {
  const next = new URL(href, location.href);
  const live = document.querySelector<HTMLElement>("[data-live-state]")?.dataset.liveState;
  // Where nothing is asked for now, the page itself is.
  if (live === "paused" || live === "lost") return location.assign(next);
  history.replaceState(history.state, "", next.pathname + next.search);
  document.dispatchEvent(new Event("monitor:again"));
}

export function openInPlace(card: HTMLElement): void {
  card.addEventListener("click", (event) => {
    if (event.defaultPrevented || !(event.target instanceof Element)) return;
    const link = event.target.closest("a.many, a[data-fold]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    turnTo(link.getAttribute("href") ?? "");
  });
}
