// Asks for news of a worker without leaving the page: when the reader says so, and when it is due.
import { changed } from "./live";

const NOT_AGAIN = 30_000;
let asked = 0;

async function ask(form: HTMLFormElement, byItself: boolean): Promise<boolean> {
  const body = new FormData(form);
  if (byItself) body.set("by_itself", "1");
  const headers = { "X-Requested-With": "monitor" };
  const options = { method: "POST", body, headers, redirect: "manual" } as const;
  const response = await fetch(form.action, options).catch(() => null);
  if (response?.ok) changed();
  return response?.ok ?? false;
}

/** The server says whether it is due, and makes sure that however many pages ask, one does. */
function askIfDue(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-ask-now]");
  if (!form || document.hidden || Date.now() - asked < NOT_AGAIN) return;
  asked = Date.now();
  void ask(form, true);
}

export function startAsking(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement && "ask" in form.dataset)) return;
    event.preventDefault();
    // The server explains a refusal on a page of its own.
    void ask(form, false).then((done) => done || form.submit());
  });
  // On a narrow screen what is shown may be out of sight among the others.
  for (const tab of document.querySelectorAll(":is(.nav, .tabrow) > [aria-current]"))
    tab.scrollIntoView({ block: "nearest", inline: "center" });
  document.addEventListener("monitor:refreshed", askIfDue);
  askIfDue();
}
