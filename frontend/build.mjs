// Bundles ../assets (a copy of src/ari/web/assets) and the packages they use into the folder named by the first
// argument: app.<hash>.js, app.<hash>.css, the fonts that the CSS names, icons.<hash>.svg, licenses.txt, manifest.json.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const out = process.argv[2];
const manifest = {};

const sha = (name, data, as) => createHash(name).update(data).digest(as);

async function record(logical, path) {
  manifest[logical] = { path, integrity: `sha384-${sha("sha384", await readFile(join(out, path)), "base64")}` };
}

async function bundle() {
  const { metafile } = await build({
    entryPoints: ["assets/app.js", "assets/app.css"],
    outdir: out,
    entryNames: "[name].[hash]",
    assetNames: "[name].[hash]",
    bundle: true,
    minify: true,
    metafile: true,
    format: "iife",
    legalComments: "none",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
    logLevel: "warning",
  });
  for (const [path, output] of Object.entries(metafile.outputs)) {
    await record(basename(output.entryPoint ?? Object.keys(output.inputs)[0]), basename(path));
  }
  return Object.keys(metafile.inputs);
}

function symbol(name, svg) {
  const body = svg.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/\s*\n\s*/g, "");
  const drawn = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${drawn}>${body}</symbol>`;
}

async function sprite() {
  const names = (await readFile("assets/icons.txt", "utf8")).split("\n").map((line) => line.replace(/#.*/, "").trim());
  const symbols = [];
  for (const name of [...new Set(names.filter(Boolean))].sort()) {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`icons.txt: "${name}" is not the name of an icon`);
    const svg = await readFile(`node_modules/lucide-static/icons/${name}.svg`, "utf8").catch(() => {
      throw new Error(`icons.txt: lucide has no icon "${name}"`);
    });
    symbols.push(symbol(name, svg));
  }
  const text = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
  const path = `icons.${sha("sha256", text, "hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(join(out, path), text);
  await record("icons.svg", path);
}

async function licenses(inputs) {
  const used = inputs.map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean);
  let text = "Parts of these files come from the following packages.\n";
  for (const name of [...new Set([...used, "lucide-static"])].sort()) {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[sc]e/i.test(entry));
    if (!file) throw new Error(`${name} carries no licence text`);
    text += `\n---- ${name} ${version} (${license})\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
  }
  await writeFile(join(out, "licenses.txt"), text);
}

await mkdir(out, { recursive: true });
const inputs = await bundle();
await sprite();
await licenses(inputs);
const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(join(out, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
