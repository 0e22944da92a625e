// Bundles src/ into the Django app's static files. Every bundle stands alone: Django's manifest
// storage renames files but does not rewrite imports between modules, so nothing is split.
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "../django_celery_monitor/static/django_celery_monitor/dist");
const entries = ["monitor.ts", "chart.ts", "graph.ts", "theme.ts", "monitor.css"];

const missing = entries.filter((name) => !existsSync(join(here, "src", name)));
if (missing.length > 0) {
  console.error(`Cannot build the front end, frontend/src has no ${missing.join(", ")}`);
  process.exit(1);
}

await rm(dist, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join("src", name)),
  outdir: dist,
  bundle: true,
  charset: "utf8",
  format: "iife", // theme.js blocks rendering, so it must be a classic script; the others can be
  legalComments: "none", // collected in LICENSES.txt instead
  logLevel: "warning",
  minify: true,
  target: "es2022",
});

const { packages } = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
const shipped = [...needed("")].sort();
const versions = Object.fromEntries(
  shipped.map((name) => [name, packages[`node_modules/${name}`].version]),
);
const licences = await Promise.all(shipped.map(licenceOf));

await writeFile(join(dist, "LICENSES.txt"), licences.join("\n\n"));
await writeFile(join(dist, "manifest.json"), `${JSON.stringify({ versions }, null, 2)}\n`);

// With what they need themselves: it is in the bundles, too.
function needed(path, found = new Set()) {
  for (const name of Object.keys(packages[path].dependencies ?? {})) {
    if (!found.has(name)) needed(`node_modules/${name}`, found.add(name));
  }
  return found;
}

async function licenceOf(name) {
  const text = await readFile(join(here, "node_modules", name, "LICENSE"), "utf8");
  return `${name} ${versions[name]}\n\n${text.trim()}\n`;
}
