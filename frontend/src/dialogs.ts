// What data-opens names is opened: a dialog in the middle, or a drawer from the side.

export function open(id: string): void {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** As Escape does: whoever listens to `cancel` may keep it open. */
export function close(dialog: HTMLDialogElement | null): void {
  if (dialog?.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}

export function startDialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    const opener = target.closest<HTMLElement>("[data-opens]");
    if (opener) {
      // A link that opens a drawer here still opens its page in a new tab.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(opener.dataset.opens ?? "");
    } else if (target instanceof HTMLDialogElement && isBeside(target, event)) {
      close(target);
    } else if (target.closest("dialog .close")) {
      event.preventDefault();
      close(target.closest("dialog"));
    }
  });
}

function isBeside(dialog: HTMLDialogElement, at: MouseEvent): boolean {
  const box = dialog.getBoundingClientRect();
  const inside = at.clientX >= box.left && at.clientX <= box.right;
  return !(inside && at.clientY >= box.top && at.clientY <= box.bottom);
}
