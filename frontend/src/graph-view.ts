// What part of a drawing is seen: moved and zoomed by pointer, wheel, keys and buttons.
import type { Placed, Point } from "./graph";

const STEPS = [0.5, 0.75, 1, 1.25];
const STRIDE = 60;

export class View {
  #svg: SVGSVGElement | undefined;
  #size = { width: 1, height: 1 };
  #here: Point | undefined;
  #zoom = 1;
  #x = 0;
  #y = 0;
  // The reader has chosen a part; a refresh does not take it away.
  #chosen = false;
  /** Called when the reader chooses another part. */
  onChosen = (): void => {};
  /** Called with the part that is seen now. */
  onShown = (_x: number, _y: number, _width: number, _height: number): void => {};
  #held: Point | undefined;
  // How far the pointer went since it went down.
  #dragged = 0;

  constructor(
    card: HTMLElement,
    private readonly box: HTMLElement,
  ) {
    card.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("[data-zoom]");
      if (button instanceof HTMLElement) this.press(button.dataset.zoom ?? "");
    });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.#grab(event));
    box.addEventListener("dragstart", (event) => event.preventDefault());
    // A drag that ends on a task does not open it.
    box.addEventListener("click", (event) => this.#dragged > 4 && event.preventDefault());
    new ResizeObserver(() => {
      if (this.#chosen) this.#show();
      else this.#begin();
      const held = this.#held;
      if (held && !this.sees(held.x, held.y)) this.centre(held.x, held.y);
    }).observe(box);
  }

  /** What stays in sight when there is less room. */
  hold(point: Point | undefined): void {
    this.#held = point;
  }

  take(svg: SVGSVGElement, placed: Placed, here: number): void {
    this.#svg = svg;
    this.#size = placed;
    this.#here = placed.nodes[here];
    if (this.#chosen) this.#show();
    else this.#begin();
  }

  /** The whole; of what would be too small to read, the task itself. */
  #begin(): void {
    this.fit();
    if (!this.#here || this.#zoom >= 0.5) return;
    this.#zoom = 0.75;
    this.centre(this.#here.x, this.#here.y);
  }

  centre(x: number, y: number): void {
    this.#x = x - this.#seen().width / 2;
    this.#y = y - this.#seen().height / 2;
    this.#show();
  }

  /** Whether a point can be seen, with some room around it. */
  sees(x: number, y: number): boolean {
    const { width, height } = this.#seen();
    const [left, top] = [x - this.#x, y - this.#y];
    return left > 110 && left < width - 110 && top > 30 && top < height - 30;
  }

  fit(): void {
    const { clientWidth, clientHeight } = this.box;
    const most = Math.min(clientWidth / this.#size.width, clientHeight / this.#size.height);
    this.#zoom = Math.max(Math.min(most, 1), 0.02);
    this.centre(this.#size.width / 2, this.#size.height / 2);
  }

  press(what: string): void {
    this.#chosen = what !== "fit";
    if (what === "fit") {
      this.onChosen();
      return this.fit();
    }
    const { width, height } = this.#seen();
    this.#zoomTo(this.#next(what === "in"), this.#x + width / 2, this.#y + height / 2);
  }

  #next(nearer: boolean): number {
    const found = nearer
      ? STEPS.find((step) => step > this.#zoom * 1.01)
      : STEPS.findLast((step) => step < this.#zoom * 0.99);
    return found ?? this.#zoom;
  }

  #zoomTo(zoom: number, x: number, y: number): void {
    const share = this.#zoom / zoom;
    this.#x = x - (x - this.#x) * share;
    this.#y = y - (y - this.#y) * share;
    this.#zoom = zoom;
    this.#show();
  }

  #seen(): { width: number; height: number } {
    return { width: this.box.clientWidth / this.#zoom, height: this.box.clientHeight / this.#zoom };
  }

  #show(): void {
    const { width, height } = this.#seen();
    this.#svg?.setAttribute("viewBox", `${this.#x} ${this.#y} ${width} ${height}`);
    this.onShown(this.#x, this.#y, width, height);
  }

  /** Another part because the reader wants it. */
  goTo(x: number, y: number): void {
    this.#chose();
    this.centre(x, y);
  }

  #chose(): void {
    this.#chosen = true;
    this.onChosen();
  }

  #move(x: number, y: number): void {
    this.#chose();
    this.#x += x / this.#zoom;
    this.#y += y / this.#zoom;
    this.#show();
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const zooms: Record<string, string> = { "+": "in", "=": "in", "-": "out", "0": "fit" };
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-STRIDE, 0],
      ArrowRight: [STRIDE, 0],
      ArrowUp: [0, -STRIDE],
      ArrowDown: [0, STRIDE],
    };
    const zoom = zooms[event.key];
    // On a task arrows go to the next one.
    const move = event.target === this.box ? moves[event.key] : undefined;
    if (!zoom && !move) return;
    event.preventDefault();
    event.stopPropagation();
    if (zoom) this.press(zoom);
    else if (move) this.#move(...move);
  }

  #wheel(event: WheelEvent): void {
    // Alone it scrolls the page.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#chose();
    const box = this.box.getBoundingClientRect();
    const x = this.#x + (event.clientX - box.left) / this.#zoom;
    const y = this.#y + (event.clientY - box.top) / this.#zoom;
    this.#zoomTo(Math.min(Math.max(this.#zoom * 0.998 ** event.deltaY, 0.1), 2), x, y);
  }

  #grab(event: PointerEvent): void {
    this.#dragged = 0;
    if (event.button !== 0) return;
    let last = event;
    const drag = (next: PointerEvent): void => {
      this.#dragged += Math.hypot(next.clientX - last.clientX, next.clientY - last.clientY);
      this.#move(last.clientX - next.clientX, last.clientY - next.clientY);
      last = next;
    };
    const held = new AbortController();
    window.addEventListener("pointermove", drag, { signal: held.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => held.abort(), { signal: held.signal });
    }
  }
}
