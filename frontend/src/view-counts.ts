// How many tasks each view holds: asked for when the menu opens, so that no page waits for it.

interface Counts {
  counts: Record<string, { text: string; hint: string }>;
}

async function load(menu: HTMLElement): Promise<void> {
  const response = await fetch(menu.dataset.counts ?? "", { redirect: "error" }).catch(() => null);
  if (!response?.ok) return;
  const { counts } = (await response.json()) as Counts;
  for (const badge of menu.querySelectorAll<HTMLElement>("[data-view-count]")) {
    const count = counts[badge.dataset.viewCount ?? ""];
    badge.textContent = count?.text ?? "";
    badge.title = count?.hint ?? "";
  }
}

export function startViewCounts(): void {
  const menu = document.querySelector<HTMLDetailsElement>("[data-counts]");
  menu?.addEventListener("toggle", () => {
    if (menu.open) void load(menu);
  });
}
