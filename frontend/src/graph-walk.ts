// On a task in the graph, arrows follow the lines, and go to the task above or below.
import { type Family, heightOf, WIDTH } from "./graph";
import type { View } from "./graph-view";

export function walk(box: HTMLElement, family: () => Family, view: View): void {
  box.addEventListener("keydown", (event) => {
    const here = event.target instanceof SVGElement ? event.target.dataset.index : undefined;
    if (here === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = neighbour(box, family(), Number(here), event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  });
  box.addEventListener("focusin", (event) => {
    if (!(event.target instanceof SVGElement) || event.target.dataset.index === undefined) return;
    // Not under a pointer that is about to click.
    if (!event.target.matches(":focus-visible")) return;
    const [x, y] = middle(event.target, family());
    if (!view.sees(x, y)) view.centre(x, y);
  });
}

function neighbour(box: HTMLElement, family: Family, here: number, key: string): SVGElement | null {
  const at = (index: number | undefined): SVGElement | null =>
    index === undefined ? null : box.querySelector(`[data-index="${index}"]`);
  if (key === "ArrowRight") return at(family.edges.find(([from]) => from === here)?.[1]);
  if (key === "ArrowLeft") return at(family.edges.find(([, to]) => to === here)?.[0]);
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const node = at(here);
  return node ? beside(box, family, node, key === "ArrowDown" ? 1 : -1) : null;
}

/** The nearest task of the same column. */
function beside(box: HTMLElement, family: Family, node: SVGElement, way: number): SVGElement | null {
  const [x, y] = middle(node, family);
  let found: SVGElement | null = null;
  let nearest = Infinity;
  for (const other of box.querySelectorAll<SVGElement>("[data-index]")) {
    const [otherX, otherY] = middle(other, family);
    const far = (otherY - y) * way;
    if (Math.abs(otherX - x) < 1 && far > 0 && far < nearest) [found, nearest] = [other, far];
  }
  return found;
}

function middle(node: SVGElement, family: Family): [number, number] {
  const drawn = family.nodes[Number(node.dataset.index)];
  const [x = 0, y = 0] = (node.getAttribute("transform") ?? "").match(/-?[\d.]+/g)?.map(Number) ?? [];
  return [x + WIDTH / 2, y + (drawn ? heightOf(drawn) : 0) / 2];
}
