// Copies the text of the element that data-copy names.
import { toast } from "./toast";
import { say } from "./words";

async function copy(button: HTMLElement): Promise<void> {
  const source = document.getElementById(button.dataset.copy ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(textOf(source));
  } catch {
    // Without TLS there is no clipboard, or the reader forbade it; then the text is selected.
    getSelection()?.selectAllChildren(source);
    toast(say("Selected; copy it with the keyboard."), "waiting");
    return;
  }
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1500);
}

/** Of JSON with what is folded, each line indented as it is shown. */
function textOf(source: HTMLElement): string {
  const lines = [...source.querySelectorAll(".json-line")];
  if (lines.length === 0) return source.textContent ?? "";
  return lines.map((line) => "  ".repeat(depthOf(line)) + line.textContent).join("\n");
}

function depthOf(line: Element): number {
  let depth = 0;
  for (let box = line.closest(".json-in"); box; box = box.parentElement?.closest(".json-in") ?? null)
    depth += 1;
  return depth;
}

export function startCopy(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy]");
    if (button instanceof HTMLElement) void copy(button);
  });
}
