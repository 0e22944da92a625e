// Copies the text of the element that data-copy names.

async function copy(button: HTMLElement): Promise<void> {
  const source = document.getElementById(button.dataset.copy ?? "");
  if (!source) return;
  // Without TLS there is no clipboard; then at least the text is selected.
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent ?? "");
  else getSelection()?.selectAllChildren(source);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1500);
}

export function startCopy(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy]");
    if (button instanceof HTMLElement) void copy(button);
  });
}
