// Takes more of a group out of its tile, and back, without leaving the page.

export function openInPlace(card: HTMLElement): void {
  card.addEventListener("click", (event) => {
    if (event.defaultPrevented || !(event.target instanceof Element)) return;
    const link = event.target.closest("a.many, a[data-fold]");
    const live = document.querySelector<HTMLElement>("[data-live-state]")?.dataset.liveState;
    // Where nothing is asked for now, the page itself is.
    if (!link || event.ctrlKey || event.metaKey || live === "paused" || live === "lost") return;
    event.preventDefault();
    const next = new URL(link.getAttribute("href") ?? "", location.href);
    history.replaceState(history.state, "", next.pathname + next.search);
    document.dispatchEvent(new Event("monitor:again"));
  });
}
