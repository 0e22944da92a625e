// How often the page may change: as it happens, or at most every so many seconds; remembered.
const KEY = "celery-monitor-every";

function menu(): HTMLSelectElement | null {
  return document.querySelector<HTMLSelectElement>("select[data-live-every]");
}

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Milliseconds; 0 for as it happens. */
export function every(): number {
  return Number(menu()?.value || 0) * 1000 || 0;
}

/** Shows in the menu that updates are paused, or go on as before. */
export function stop(off: boolean): void {
  const select = menu();
  if (select) select.value = off ? "off" : stored().replace("off", "");
}

export function startEvery(changed: (off: boolean) => void): void {
  const select = menu();
  if (!select) return;
  select.value = stored();
  if (select.selectedIndex < 0) select.value = "";
  select.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // Then it holds for this page only.
    }
    changed(select.value === "off");
  });
  if (select.value === "off") changed(true);
}
