// Ages or times, and the hours of a clock: a cookie, as the server writes them.
import { keep } from "./cookies";

export function startClockSwitch(): void {
  const box = document.querySelector<HTMLElement>("[data-clock-switch]");
  box?.addEventListener("change", () => {
    const chosen = [...box.querySelectorAll<HTMLInputElement>("input:checked")];
    const words = chosen.map((input) => input.value).filter(Boolean);
    keep("celery_monitor_times", words.join("-"), box.dataset.root ?? "/");
  });
}
