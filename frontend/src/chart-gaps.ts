// Hatches the times of which events may be missing.
import type uPlot from "uplot";
import type { Gap } from "./chart-data";
import { colour } from "./chart-draw";

function hatch(ink: string): CanvasPattern | null {
  const [tile, side] = [document.createElement("canvas"), 8 * devicePixelRatio];
  [tile.width, tile.height] = [side, side];
  const pen = tile.getContext("2d");
  if (!pen) return null;
  [pen.strokeStyle, pen.lineWidth] = [ink, devicePixelRatio];
  pen.beginPath();
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift, side);
    pen.lineTo(shift + side, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

export function hatched(box: HTMLElement, gaps: () => Gap[]): uPlot.Plugin {
  const fill = hatch(colour(box, "line-strong"));

  function draw(self: uPlot): void {
    const { ctx, bbox } = self;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = fill ?? "transparent";
    for (const gap of gaps()) {
      const from = self.valToPos(gap.from, "x", true);
      // Also a short one is seen.
      const width = Math.max(self.valToPos(gap.to, "x", true) - from, 2 * devicePixelRatio);
      ctx.fillRect(from, bbox.top, width, bbox.height);
    }
    ctx.restore();
  }

  // Below the bars and lines: what was counted in spite of a gap stays readable.
  return { hooks: { drawAxes: draw } };
}
