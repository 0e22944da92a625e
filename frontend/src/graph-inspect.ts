// Shows the task of a node beside the drawing; which one is in the address.
import type { Family, Placed } from "./graph";
import { turnTo } from "./graph-open";
import type { View } from "./graph-view";

export class Inspector {
  #family: Family | undefined;
  #placed: Placed | undefined;
  #asked = false;

  constructor(
    private readonly card: HTMLElement,
    private readonly box: HTMLElement,
    private readonly view: View,
  ) {
    box.addEventListener("click", (event) => this.#click(event));
    card.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("monitor:refreshed", () => this.#mark());
  }

  take(family: Family, placed: Placed): void {
    this.#family = family;
    this.#placed = placed;
    this.#mark();
  }

  // A refresh may put another in its place.
  get #panel(): HTMLElement | null {
    return this.card.querySelector("#family-node");
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest<SVGElement>("[data-index]") : null;
    const id = this.#family?.nodes[Number(link?.dataset.index)]?.id;
    if (!link || id === undefined || id === this.#shown()) return;
    event.preventDefault();
    const next = new URL(location.href);
    next.searchParams.set("node", id);
    this.#asked = true;
    turnTo(next.href);
  }

  #key(event: KeyboardEvent): void {
    const close = this.#panel?.querySelector<HTMLElement>("[data-fold]");
    if (event.key !== "Escape" || !close) return;
    event.preventDefault();
    const inside = this.#panel?.contains(document.activeElement);
    if (inside) this.#link()?.focus({ preventScroll: true });
    close.click();
  }

  #shown(): string | undefined {
    const panel = this.#panel;
    return panel && !panel.hidden ? panel.dataset.node : undefined;
  }

  #index(): number {
    const id = this.#shown();
    return id === undefined ? -1 : (this.#family?.nodes.findIndex((node) => node.id === id) ?? -1);
  }

  #link(): SVGElement | null {
    return this.box.querySelector(`[data-index="${this.#index()}"]`);
  }

  #mark(): void {
    const link = this.#link();
    for (const other of this.box.querySelectorAll("[aria-expanded]")) {
      if (other !== link) other.removeAttribute("aria-expanded");
    }
    link?.setAttribute("aria-expanded", "true");
    this.view.hold(this.#placed?.nodes[this.#index()]);
    if (this.#asked && link) this.#panel?.scrollIntoView({ block: "nearest" });
    this.#asked = false;
  }
}
