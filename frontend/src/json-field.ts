// Text areas for JSON: indented as one writes, set in order by a button. Tab leaves, as everywhere.
import { formatted, mistake } from "./json-text";

/** Typed, as it were, so that it can be undone. */
function type(area: HTMLTextAreaElement, text: string): void {
  area.focus();
  document.execCommand("insertText", false, text);
}

/** The indent of this line, and one step more after what opens. */
function goOn(event: KeyboardEvent, area: HTMLTextAreaElement): void {
  const before = area.value.slice(0, area.selectionStart);
  const indent = /[^\n]*$/.exec(before)?.[0].match(/^ */)?.[0] ?? "";
  const next = area.value[area.selectionEnd] ?? "";
  const opens = /[[{]\s*$/.test(before);
  event.preventDefault();
  type(area, `\n${indent}${opens ? "  " : ""}`);
  if (!opens || !/[\]}]/.test(next)) return;
  const place = area.selectionStart;
  type(area, `\n${indent}`);
  area.setSelectionRange(place, place);
}

function format(area: HTMLTextAreaElement): void {
  const text = formatted(area.value);
  if (text === null) {
    const place = mistake(area.value);
    area.focus();
    if (place !== null) area.setSelectionRange(place, place + 1);
  } else if (text !== area.value) {
    area.select();
    type(area, text);
  }
}

export function startJsonFields(): void {
  document.addEventListener("keydown", (event) => {
    const area = event.target;
    if (!(area instanceof HTMLTextAreaElement && "json" in area.dataset)) return;
    const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.isComposing);
    if (event.key === "Enter" && plain) goOn(event, area);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-format]");
    if (!(button instanceof HTMLElement)) return;
    const area = document.getElementById(button.dataset.format ?? "");
    if (area instanceof HTMLTextAreaElement) format(area);
  });
}
