// A message that is written: what would be sent is shown meanwhile, and it is not lost by mistake.
import { ASKED, read } from "./forms";
import { morph } from "./refresh";

const WAIT = 400;

let begun = "";
let timer = 0;
let asking = new AbortController();

function draft(within: ParentNode | null = document): HTMLFormElement | null {
  return within?.querySelector<HTMLFormElement>("form[data-draft]") ?? null;
}

/** What is written into it, without what differs each time it is asked for. */
function written(form: HTMLFormElement): string {
  const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  return JSON.stringify(fields);
}

function isChanged(): boolean {
  const form = draft();
  return form !== null && begun !== "" && written(form) !== begun;
}

/** From now on what is written there is worth a question. */
export function begin(within: ParentNode | null): void {
  const form = draft(within);
  begun = form ? written(form) : "";
}

export function forget(): void {
  begun = "";
}

async function look(form: HTMLFormElement): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const body = new FormData(form);
  body.set("look", "");
  const before = written(form);
  const options = { method: "POST", body, headers: ASKED, redirect: "manual" } as const;
  const { signal } = asking;
  const response = await fetch(form.action, { ...options, signal }).catch(() => null);
  const next = response?.ok ? (await read(response)).getElementById("act") : null;
  const shown = form.closest("#act");
  // What was written meanwhile is asked for anew.
  if (!shown?.isConnected || written(form) !== before) return;
  if (next) morph(shown, next);
  else form.querySelector("#look")?.removeAttribute("aria-busy");
}

function ask(keep: boolean): void {
  const bar = document.getElementById("discard");
  if (bar) bar.hidden = keep;
  const first = keep ? draft()?.querySelector<HTMLElement>("textarea") : bar?.querySelector("button");
  first?.focus();
}

function onClick(event: MouseEvent): void {
  if (!(event.target instanceof Element)) return;
  if (event.target.closest("[data-keep]")) ask(true);
  else if (event.target.closest("[data-discard]")) {
    forget();
    event.target.closest("dialog")?.close();
  }
}

export function startDrafts(): void {
  begin(document);
  document.addEventListener("input", (event) => {
    const form = event.target instanceof Element && event.target.closest("form");
    if (!(form instanceof HTMLFormElement && form === draft())) return;
    form.querySelector("#look")?.setAttribute("aria-busy", "true");
    clearTimeout(timer);
    timer = setTimeout(() => void look(form), WAIT);
  });
  document.addEventListener("click", onClick);
  const stay = (event: Event) => {
    if (!isChanged()) return;
    event.preventDefault();
    ask(false);
  };
  // It does not bubble.
  document.addEventListener("cancel", stay, true);
  addEventListener("beforeunload", (event) => {
    if (isChanged()) event.preventDefault();
  });
}
