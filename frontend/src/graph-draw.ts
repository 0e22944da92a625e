// A laid-out family as SVG; made element by element, because names hold what anybody sent.
import { type Family, HEIGHT, type Node, type Placed, type Point, WIDTH } from "./graph";

const SVG = "http://www.w3.org/2000/svg";
type Attributes = Record<string, string | number>;

function make(name: string, attributes: Attributes = {}, ...inside: (Element | string)[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...inside);
  return element;
}

export function draw(family: Family, placed: Placed): SVGSVGElement {
  const arrow = make("path", { d: "M0 0L7 3.5L0 7z" });
  const marker = make(
    "marker",
    { id: "graph-arrow", viewBox: "0 0 7 7", refX: 6.5, refY: 3.5, markerWidth: 7, markerHeight: 7, orient: "auto" },
    arrow,
  );
  const lines = placed.edges.map(({ kind, points }) =>
    make("path", { class: `graph-edge graph-${kind}`, d: curve(points), "marker-end": "url(#graph-arrow)" }),
  );
  const nodes = family.nodes.map((node, index) => drawn(node, index, placed.nodes[index]));
  const attributes = { class: "drawn", viewBox: `0 0 ${placed.width} ${placed.height}` };
  return make("svg", attributes, make("defs", {}, marker), ...lines, ...nodes) as SVGSVGElement;
}

function drawn(node: Node, index: number, at: Point | undefined): SVGElement {
  const [x, y] = [(at?.x ?? 0) - WIDTH / 2, (at?.y ?? 0) - HEIGHT / 2];
  const kinds = ["graph-node", `st-${node.kind}`, node.here ? "here" : "", node.many ? "many" : ""];
  const link = make("a", {
    href: node.url,
    class: kinds.filter(Boolean).join(" "),
    transform: `translate(${x} ${y})`,
    "data-index": index,
    ...(node.here ? { "aria-current": "true" } : {}),
  });
  if (node.many) link.append(box(4, 4), box(2, 2));
  const front = box(0, 0);
  // The whole name on hover; not of the link, whose name is what it shows.
  front.append(make("title", {}, node.title));
  link.append(
    front,
    make("use", { href: `#i-${node.kind}`, x: 10, y: 14, width: 16, height: 16 }),
    make("text", { class: "graph-label", x: 34, y: 19 }, node.label),
    make("text", { class: "graph-detail", x: 34, y: 34 }, node.detail),
  );
  return link;
}

function box(x: number, y: number): SVGElement {
  return make("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 8 });
}

function curve(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x} ${first.y}`;
  let before = first;
  for (const point of rest) {
    const middle = (before.x + point.x) / 2;
    path += `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`;
    before = point;
  }
  return path;
}
