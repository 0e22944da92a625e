// Draws the family of a task from #family-graph; follows each refresh.
import { graphlib, layout } from "@dagrejs/dagre";
import { draw } from "./graph-draw";
import { Follow } from "./graph-follow";
import { Inspector } from "./graph-inspect";
import { MiniMap } from "./graph-map";
import { openInPlace } from "./graph-open";
import { View } from "./graph-view";
import { walk } from "./graph-walk";

export interface Node {
  label: string;
  detail: string;
  title: string;
  kind: string;
  /** Not of nodes that stand for many. */
  id?: string;
  url: string;
  here: boolean;
  /** There is no record of it. */
  ghost?: boolean;
  /** How long it waited for a worker, and how bad that is, from 1 to 3. */
  wait?: string;
  heat?: number;
  many?: boolean;
  inferred?: boolean;
  counts?: { kind: string; count: number; from: number }[];
  more?: string;
}

/** Edges are places in the list of nodes, and what they stand for. */
export interface Family {
  nodes: Node[];
  edges: [number, number, string][];
  size: string;
  /** The nodes of the critical path. */
  path: number[];
}

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  width: number;
  height: number;
  nodes: Point[];
  /** `ends`: the places of its nodes, as in "0 1". */
  edges: { kind: string; ends: string; heat: number; points: Point[] }[];
}

export const WIDTH = 248;
export const HEIGHT = 44;
export const TALL = 72;
// Laying out so many takes a while: in a quicker way then, and not before somebody looks.
const MANY = 120;

export function heightOf(node: Node): number {
  return node.many ? TALL : HEIGHT;
}

/** Where a line passes other columns; at its ends it leaves and enters in the middle of a side. */
function between({ points }: { points: Point[] }): Point[] {
  return points.length > 3 ? points.slice(1, -1) : [];
}

function placed(family: Family): Placed {
  const graph = new graphlib.Graph({ multigraph: true });
  const ranker = family.nodes.length > MANY ? "longest-path" : "network-simplex";
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 64, marginx: 12, marginy: 12, ranker });
  graph.setDefaultEdgeLabel(() => ({}));
  family.nodes.forEach((node, index) => {
    graph.setNode(String(index), { width: WIDTH, height: heightOf(node) });
  });
  for (const [from, to, kind] of family.edges) graph.setEdge(String(from), String(to), {}, kind);
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  const nodes = family.nodes.map(
    (_node, index) => graph.node(String(index)) as Point,
  );
  return {
    width: size.width ?? WIDTH,
    height: size.height ?? HEIGHT,
    nodes,
    edges: family.edges.map(([from, to, kind]) => ({
      kind,
      ends: `${from} ${to}`,
      heat: family.nodes[to]?.heat ?? 0,
      points: [
        { x: (nodes[from]?.x ?? 0) + WIDTH / 2, y: nodes[from]?.y ?? 0 },
        ...between(graph.edge(String(from), String(to), kind) as { points: Point[] }),
        { x: (nodes[to]?.x ?? 0) - WIDTH / 2, y: nodes[to]?.y ?? 0 },
      ],
    })),
  };
}

/** Who was on a task stays there; who was on a tile that gave out some is at the first of those. */
function hold(box: HTMLElement, held: SVGElement, where: Placed, view: View): void {
  const same = box.querySelector<SVGElement>(`a[href="${CSS.escape(held.getAttribute("href") ?? "")}"]`);
  const first = box.querySelector<SVGElement>(`a[data-index="${held.dataset.index}"]`);
  const at = where.nodes[Number(held.dataset.index)];
  (same ?? first)?.focus({ preventScroll: true });
  if (!same && at) view.goTo(at.x, at.y);
}

function start(card: HTMLElement): void {
  const box = card.querySelector<HTMLElement>("[data-graph-view]");
  const source = document.getElementById(card.dataset.graph ?? "");
  if (!box || !source) return;
  const view = new View(card, box);
  const follow = new Follow(card.querySelector("[data-graph-follow]"), view);
  const map = new MiniMap(box, (x, y) => view.goTo(x, y));
  view.onShown = (x, y, width, height) => map.frame(x, y, width, height);
  let shown = "";
  let seen = false;
  const show = (): void => {
    const text = source.textContent ?? "";
    if (text === shown) return;
    const family = JSON.parse(text) as Family;
    card.hidden = family.nodes.length < 2;
    if (card.hidden || (!seen && family.nodes.length > MANY)) return;
    shown = text;
    const held = box.contains(document.activeElement) ? document.activeElement : null;
    const where = placed(family);
    card.dataset.size = family.size;
    const svg = draw(family, where);
    box.replaceChildren(svg);
    map.take(family.nodes, where);
    view.take(svg, where, family.nodes.findIndex((node) => node.here));
    follow.take(family, where);
    if (held instanceof SVGElement) hold(box, held, where, view);
    inspector.take(family, where);
  };
  const inspector = new Inspector(card, box, view);
  walk(box, () => JSON.parse(shown || '{"nodes":[],"edges":[]}') as Family, view);
  openInPlace(card);
  document.addEventListener("monitor:refreshed", show);
  new IntersectionObserver((entries) => {
    seen ||= entries.some((entry) => entry.isIntersecting);
    if (seen) show();
  }).observe(card);
  show();
}

for (const card of document.querySelectorAll<HTMLElement>("[data-graph]")) start(card);
