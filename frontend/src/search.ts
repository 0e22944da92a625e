// The search box: chips that can be edited and taken away, completion by keyboard.
import { startSearchText } from "./search-text";
import { Proposals, wordAt, type Proposal } from "./proposals";

/** A chip becomes text again, and its filter is no longer part of the form. */
function edit(form: HTMLFormElement, input: HTMLInputElement, chip: HTMLElement): void {
  const { name, value, text } = chip.dataset;
  const hidden = [...form.querySelectorAll<HTMLInputElement>("input[type=hidden]")];
  hidden.find((each) => each.name === name && each.value === value)?.remove();
  chip.remove();
  input.value = `${input.value.trimEnd()} ${text ?? ""}`.trimStart();
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
  input.dispatchEvent(new Event("input"));
}

function lastChip(form: HTMLFormElement): HTMLElement | undefined {
  return [...form.querySelectorAll<HTMLElement>("[data-chip]:not([hidden])")].at(-1);
}

export function startSearch(): void {
  const form = document.getElementById("search");
  const input = form?.querySelector<HTMLInputElement>("[data-search]");
  const list = document.getElementById("proposals");
  if (!(form instanceof HTMLFormElement) || !input || !list) return;
  const proposals = new Proposals(input, list, form.dataset.complete ?? "", accept);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  startSearchText(form, input);

  function word(): [number, number] {
    return wordAt(input!.value, input!.selectionStart ?? input!.value.length);
  }

  function ask(): void {
    proposals.ask(input!.value.slice(...word()));
  }

  function accept(item: Proposal): void {
    const [start, end] = word();
    const done = !/:$|^-?(kw)?args\.$/.test(item.insert);
    const rest = input!.value.slice(end).trimStart();
    const before = input!.value.slice(0, start) + item.insert + (done ? " " : "");
    input!.value = before + rest;
    input!.setSelectionRange(before.length, before.length);
    if (done) proposals.close();
    ask();
  }

  input.addEventListener("input", ask);
  input.addEventListener("focus", ask);
  input.addEventListener("blur", () => proposals.close());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const item = proposals.items[proposals.active];
    const atStart = input.selectionStart === 0 && input.selectionEnd === 0;
    if (event.key === "ArrowDown" && proposals.isOpen) proposals.move(1);
    else if (event.key === "ArrowDown") ask();
    else if (event.key === "ArrowUp" && proposals.isOpen) proposals.move(-1);
    else if (event.key === "Enter" && proposals.isOpen && item) accept(item);
    else if (event.key === "Tab" && proposals.isOpen && item && !event.shiftKey) accept(item);
    else if (event.key === "Escape" && proposals.isActive) proposals.close();
    else if (event.key === "Escape" && input.value) input.value = "";
    else if (event.key === "Escape") return input.blur();
    else if (event.key === "Backspace" && !input.value) lastChip(form)?.querySelector("a")?.click();
    else if (event.key === "ArrowLeft" && atStart && lastChip(form)) edit(form, input, lastChip(form)!);
    else return;
    event.preventDefault();
  });
  form.addEventListener("keydown", (event) => {
    const chip = event.target instanceof Element && event.target.closest<HTMLElement>("[data-chip]");
    if (!chip || (event.key !== "Delete" && event.key !== "Backspace")) return;
    event.preventDefault();
    chip.querySelector("a")?.click();
  });
  form.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.target.closest("a")) return;
    const chip = event.target.closest<HTMLElement>("[data-chip]");
    if (chip) edit(form, input, chip);
  });
}
