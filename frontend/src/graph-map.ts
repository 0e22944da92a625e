// A small drawing of a large one, with the part that is seen; a press goes there.
import { HEIGHT, type Node, type Placed, WIDTH } from "./graph";
import { make } from "./graph-draw";

// Fewer are seen at a glance.
const MANY = 40;
const ROOM = { width: 168, height: 92 };
const THIN = 44;

export class MiniMap {
  #svg: SVGElement | undefined;
  #frame: SVGElement | undefined;

  constructor(
    private readonly box: HTMLElement,
    private readonly go: (x: number, y: number) => void,
  ) {}

  take(nodes: Node[], placed: Placed): void {
    this.#svg?.remove();
    this.#svg = this.#frame = undefined;
    if (nodes.length <= MANY) return;
    const spots = placed.nodes.map(({ x, y }, index) =>
      make("rect", {
        class: `st-${nodes[index]?.kind}${nodes[index]?.here ? " here" : ""}`,
        ...{ x: x - WIDTH / 2, y: y - HEIGHT / 2, width: WIDTH, height: HEIGHT },
      }),
    );
    this.#frame = make("rect", { class: "graph-frame" });
    this.#svg = make(
      "svg",
      { class: "graph-map", viewBox: `0 0 ${placed.width} ${placed.height}`, "aria-hidden": "true", preserveAspectRatio: "none" },
      ...spots,
      this.#frame,
    );
    const scale = Math.min(ROOM.width / placed.width, ROOM.height / placed.height);
    // What would be too thin to be hit is drawn out of shape.
    this.#svg.setAttribute("width", String(Math.max(placed.width * scale, THIN)));
    this.#svg.setAttribute("height", String(Math.max(placed.height * scale, THIN)));
    this.#svg.addEventListener("pointerdown", (event) => this.#press(event));
    this.#svg.addEventListener("pointermove", (event) => event.buttons && this.#press(event));
    this.box.append(this.#svg);
  }

  frame(x: number, y: number, width: number, height: number): void {
    for (const [name, value] of Object.entries({ x, y, width, height })) {
      this.#frame?.setAttribute(name, String(value));
    }
  }

  #press(event: PointerEvent): void {
    event.stopPropagation();
    event.preventDefault();
    const svg = this.#svg as SVGSVGElement;
    const point = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = point.matrixTransform(svg.getScreenCTM()?.inverse());
    this.go(x, y);
  }
}
