// A laid-out family as SVG; made element by element, because names hold what anybody sent.
import { type Family, heightOf, type Node, type Placed, type Point, TALL, WIDTH } from "./graph";

const SVG = "http://www.w3.org/2000/svg";
type Attributes = Record<string, string | number>;

export function make(name: string, attributes: Attributes = {}, ...inside: (Element | string)[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...inside);
  return element;
}

export function draw(family: Family, placed: Placed): SVGSVGElement {
  const arrow = make("path", { d: "M0 0L7 3.5L0 7z" });
  const marker = make(
    "marker",
    { id: "graph-arrow", viewBox: "0 0 7 7", refX: 6.5, refY: 3.5, ...{ markerUnits: "userSpaceOnUse", markerWidth: 10.5, markerHeight: 10.5, orient: "auto" } },
    arrow,
  );
  const path = new Set(family.path.map((node, index) => `${node} ${family.path[index + 1]}`));
  const lines = placed.edges.flatMap(({ kind, points, ends, heat }) => {
    const d = curve(points);
    const look = `graph-edge graph-${kind} heat-${heat}`;
    const line = make("path", { class: look, d, "marker-end": "url(#graph-arrow)" });
    return path.has(ends) ? [make("path", { class: "graph-path", d }), line] : [line];
  });
  const nodes = family.nodes.map((node, index) =>
    drawn(node, index, placed.nodes[index], family.path.includes(index)),
  );
  const attributes = { class: "drawn", viewBox: `0 0 ${placed.width} ${placed.height}` };
  return make("svg", attributes, make("defs", {}, marker), ...lines, ...nodes) as SVGSVGElement;
}

function drawn(node: Node, index: number, at: Point | undefined, onPath: boolean): SVGElement {
  const [x, y] = [(at?.x ?? 0) - WIDTH / 2, (at?.y ?? 0) - heightOf(node) / 2];
  const marks = { here: node.here, many: node.many, inferred: node.inferred, ghost: node.ghost, "on-path": onPath };
  const kinds = Object.entries(marks).flatMap(([name, is]) => (is ? [name] : []));
  const link = make("a", {
    href: node.url,
    class: ["graph-node", `st-${node.kind}`, ...kinds].join(" "),
    transform: `translate(${x} ${y})`,
    "data-index": index,
    ...(node.here ? { "aria-current": "true" } : {}),
    ...(node.id === undefined ? {} : { "aria-controls": "family-node" }),
  });
  if (node.many) link.append(box(4, 4, TALL), box(2, 2, TALL));
  const front = box(0, 0, heightOf(node));
  // The whole name on hover; not of the link, whose name is what it shows.
  front.append(make("title", {}, node.title));
  link.append(
    front,
    make("use", { href: `#i-${node.kind}`, x: 10, y: 14, width: 16, height: 16 }),
    make("text", { class: "graph-label", x: 34, y: 19 }, node.label),
    make("text", { class: "graph-detail", x: 34, y: 34 }, node.detail),
    ...(node.wait ? [make("text", { class: `graph-wait heat-${node.heat}`, x: WIDTH - 10, y: 34 }, node.wait)] : []),
    ...(node.many ? counts(node) : []),
  );
  return link;
}

/** How many are in each state: by shape, by number, and as shares of a line. */
function counts(node: Node): SVGElement[] {
  const found = node.counts ?? [];
  const all = found.reduce((sum, each) => sum + each.count, 0);
  const room = WIDTH - 20;
  const drawn = found.map((each) =>
    make("rect", {
      class: `graph-share st-${each.kind}`,
      ...{ x: 10 + (room * each.from) / all, y: 62, width: (room * each.count) / all, height: 4 },
    }),
  );
  let x = 10;
  for (const { kind, count } of found) {
    const place = { href: `#i-${kind}`, x, y: 44, width: 12, height: 12 };
    drawn.push(make("g", { class: `st-${kind}` }, make("use", place)));
    drawn.push(make("text", { class: "graph-detail", x: x + 15, y: 54.5 }, String(count)));
    x += 26 + String(count).length * 7;
  }
  drawn.push(make("text", { class: "graph-more", x: WIDTH - 10, y: 54.5 }, node.more ?? ""));
  return drawn;
}

function box(x: number, y: number, height: number): SVGElement {
  return make("rect", { class: "tile", x, y, width: WIDTH, height, rx: 8 });
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
