// Keeps the newest task that runs in the middle, until the reader goes somewhere else.
import type { Family, Placed } from "./graph";
import type { View } from "./graph-view";

const ACTIVE = ["running", "retrying", "waiting"];

export class Follow {
  #place: { x: number; y: number } | undefined;

  constructor(
    private readonly button: HTMLElement | null,
    private readonly view: View,
  ) {
    button?.addEventListener("click", () => {
      this.#press(!this.#on());
      this.#go();
    });
    view.onChosen = () => this.#press(false);
  }

  take(family: Family, placed: Placed): void {
    // Nodes are in the order of time.
    const kind = ACTIVE.find((each) => family.nodes.some((node) => node.kind === each));
    const newest = family.nodes.findLastIndex((node) => node.kind === kind);
    this.#place = placed.nodes[newest];
    if (!this.button) return;
    this.button.hidden = !this.#place;
    if (!this.#place) this.#press(false);
    else this.#go();
  }

  #on(): boolean {
    return this.button?.getAttribute("aria-pressed") === "true";
  }

  #press(on: boolean): void {
    this.button?.setAttribute("aria-pressed", String(on));
  }

  #go(): void {
    if (this.#on() && this.#place) this.view.centre(this.#place.x, this.#place.y);
  }
}
