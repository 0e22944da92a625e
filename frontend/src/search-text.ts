// The whole search as one text instead of chips; which of the two is remembered.
const KEY = "celery-monitor-search";

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(mode: string): void {
  try {
    localStorage.setItem(KEY, mode);
  } catch {
    // Then it holds for this page only.
  }
}

export function startSearchText(form: HTMLFormElement, input: HTMLInputElement): void {
  const button = form.querySelector<HTMLButtonElement>("[data-as-text]");
  const whole = form.querySelector<HTMLInputElement>("[data-whole]");
  if (!button || !whole) return;
  const chips = () => [...form.querySelectorAll<HTMLElement>("[data-chip]")];
  const text = () => chips().map((chip) => chip.dataset.text ?? "").join(" ");

  function show(asText: boolean): void {
    button!.setAttribute("aria-pressed", String(asText));
    // What is disabled is not sent: then what is typed joins the filters that there are.
    whole!.disabled = !asText;
    for (const chip of chips()) chip.hidden = asText;
  }

  function open(): void {
    input.value = [text(), input.value.trim()].filter(Boolean).join(" ");
    show(true);
    input.setSelectionRange(input.value.length, input.value.length);
  }

  button.addEventListener("click", () => {
    const asText = button.getAttribute("aria-pressed") !== "true";
    remember(asText ? "text" : "");
    if (asText) open();
    else if (input.value.trim() !== text()) return form.requestSubmit();
    else {
      input.value = "";
      show(false);
    }
    input.focus();
  });
  // A text with a mistake in it is there already, as it was typed.
  if ("mistaken" in whole.dataset) show(true);
  else if (remembered() === "text") open();
}
