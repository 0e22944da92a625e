// The time zone of all times: a cookie, so that the server writes them and scripts need not.
import { keep, kept } from "./cookies";

const COOKIE = "celery_monitor_zone";
const BROWSER = "browser:";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

function chosen(): string {
  return kept(COOKIE);
}

function choose(zone: string, root: string): void {
  keep(COOKIE, zone, root);
}

/** Hundreds of names, so only once somebody looks for one. */
function addAll(select: HTMLSelectElement): void {
  const group = select.querySelector("optgroup");
  if (!group || group.childElementCount > 0) return;
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    group.append(new Option(zone, zone, false, zone === chosen()));
  }
}

export function startZoneSwitch(): void {
  const select = document.querySelector<HTMLSelectElement>("[data-zone-switch]");
  if (!select) return;
  const root = select.dataset.root ?? "/";
  const now = chosen();
  // Who travels takes the browser's zone along.
  if (now.startsWith(BROWSER) && now !== BROWSER + here) return choose(BROWSER + here, root);
  const ours = select.querySelector<HTMLOptionElement>("[data-browser]");
  if (ours) {
    ours.value = BROWSER + here;
    ours.append(` (${here})`);
  }
  if (now && ![...select.options].some((option) => option.value === now)) addAll(select);
  select.value = now;
  if (select.selectedIndex < 0) select.value = "";
  select.closest("details")?.addEventListener("toggle", () => addAll(select), { once: true });
  select.addEventListener("change", () => choose(select.value, root));
}
