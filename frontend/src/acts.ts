// The form of an act over the page it was asked for on; without scripts, a page of its own.
import { close } from "./dialogs";
import { begin, forget } from "./draft";
import { ASKED, read } from "./forms";

const FIELDS = "input:not([type=hidden], [readonly]), textarea, select, .btn";

function dialog(): HTMLDialogElement | null {
  const found = document.getElementById("act-dialog");
  return found instanceof HTMLDialogElement ? found : null;
}

/** Shows the form, or what came of it; false when the answer is no such page. */
async function show(response: Response): Promise<boolean> {
  const next = await read(response);
  const [here, box] = [document.getElementById("act-here"), dialog()];
  const [form, title] = [next.getElementById("act"), next.getElementById("act-name")];
  if (!here || !box || !form || !title) return false;
  const heading = box.querySelector("h2");
  if (heading) heading.textContent = title.textContent;
  box.className = form.dataset.shape ?? "";
  here.replaceChildren(document.adoptNode(form));
  for (const menu of document.querySelectorAll("details[data-menu][open]")) menu.removeAttribute("open");
  if (!box.open) box.showModal();
  const wrong = here.querySelector<HTMLElement>("[aria-invalid]");
  (wrong ?? here.querySelector<HTMLElement>(FIELDS))?.focus();
  return true;
}

async function open(link: HTMLAnchorElement): Promise<void> {
  const response = await fetch(link.href, { headers: ASKED, redirect: "manual" }).catch(() => null);
  // Whoever was signed out, or may not any more, is told so on a page.
  if (!response?.ok || !(await show(response))) location.assign(link.href);
  else begin(document.getElementById("act-here"));
}

async function send(form: HTMLFormElement, button: HTMLElement | null): Promise<void> {
  if (!(button instanceof HTMLButtonElement) || button.disabled) return;
  const body = new FormData(form, button);
  button.disabled = true;
  const options = { method: "POST", body, headers: ASKED, redirect: "manual" } as const;
  const response = await fetch(form.action, options).catch(() => null);
  button.disabled = false;
  if (response?.headers.get("Content-Type")?.startsWith("application/json")) {
    const { url } = (await response.json()) as { url: string };
    leave(url);
  } else if (response && response.type !== "opaqueredirect" && (await show(response))) {
    return;
  } else {
    // Never sent again by itself: nobody knows whether it arrived.
    const text = document.getElementById("act-lost")?.textContent ?? "";
    document.dispatchEvent(
      new CustomEvent("monitor:toast", { detail: { text, kind: "failed" } }),
    );
  }
}

function leave(url: string): void {
  forget();
  dialog()?.close();
  if (new URL(url, location.href).href === location.href) location.reload();
  else location.assign(url);
}

export function startActs(): void {
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest<HTMLAnchorElement>("a[data-act]");
    const closes = event.target.closest("#act-dialog [data-act-close]");
    if (link || closes) event.preventDefault();
    if (link) void open(link);
    if (closes) close(dialog());
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement && "actForm" in form.dataset)) return;
    // On a page of its own the form is sent as it is, and what was written with it.
    if (!form.closest("dialog")) return forget();
    event.preventDefault();
    void send(form, event.submitter);
  });
}
