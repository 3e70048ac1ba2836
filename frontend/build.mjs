// Bundles ../assets (a copy of src/ari/web/assets) and the packages they use into the folder named by the first
// argument: app.<hash>.js, app.<hash>.css, those of the API docs, the fonts that the CSS names, icons.<hash>.svg,
// licenses.txt, manifest.json.
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

const shared = {
  outdir: out,
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: "none",
  target: ["es2022", "chrome111", "firefox114", "safari16.4"],
  logLevel: "warning",
};

async function recordAll({ outputs }, nameOf) {
  for (const [path, output] of Object.entries(outputs)) await record(nameOf(path, output), basename(path));
}

async function bundle() {
  const { metafile } = await build({
    ...shared,
    entryPoints: ["assets/app.js", "assets/app.css", "assets/api-docs.css"],
    entryNames: "[name].[hash]",
    assetNames: "[name].[hash]",
    format: "iife",
    loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
  });
  await recordAll(metafile, (_, output) => basename(output.entryPoint ?? Object.keys(output.inputs)[0]));
  return Object.keys(metafile.inputs);
}

// The API reference: its published browser bundle in few files, the client of "Test Request" apart from the rest.
async function reference() {
  const { metafile } = await build({
    ...shared,
    entryPoints: ["assets/api-docs.js"],
    entryNames: "[name].[hash]",
    chunkNames: "api-docs-[name].[hash]",
    format: "esm",
    splitting: true,
    alias: { "@scalar/api-reference": "./node_modules/@scalar/api-reference/dist/browser/standalone.esm.js" },
    plugins: [withoutUnused, edited],
  });
  await recordAll(metafile, (path, { entryPoint }) => basename(entryPoint === "assets/api-docs.js" ? entryPoint : path));
  const [first] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === "assets/js/reference.js");
  for (const path of loadedWith(first, metafile.outputs)) manifest[basename(path)].with = "api-docs.js";
  return Object.keys(metafile.inputs);
}

// A script and all that it imports at once.
function loadedWith(path, outputs, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const one of outputs[path].imports) if (one.kind === "import-statement") loadedWith(one.path, outputs, found);
  return found;
}

// The reference brings a chat with its maker's service, which this product never opens (security.md 32), and icons for
// tags, of which it uses one.
const withoutUnused = {
  name: "without-unused",
  setup(builder) {
    const found = { chat: 0, icon: 0 };
    builder.onResolve({ filter: /AgentScalarDrawer|\.svg-/ }, ({ kind, path }) => {
      if (kind !== "dynamic-import" || path.includes("interface-content-folder")) return undefined;
      found[path.includes("AgentScalarDrawer") ? "chat" : "icon"] += 1;
      return { path: "unused", namespace: "unused" };
    });
    builder.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "export default {};" }));
    builder.onEnd(() => {
      if (found.chat !== 1 || !found.icon) throw new Error("the API reference is not made of the parts it was made of");
    });
  },
};

// What its settings do not reach: the languages offered first, what an empty field for a key shows, and the question
// whether the page may evaluate code, which the browser reports as an attempt to. Then the reading of the description,
// which holds up the page for as long as it takes: between its steps the browser may draw and answer, and what cannot be
// an address is not parsed as one (an exception each time).
const REST = "await(globalThis.scheduler?.yield?.()??new Promise(e=>setTimeout(e)));";
const IS_ADDRESS = "try{let t=new URL(e);return t.protocol===`http:`||t.protocol===`https:`}catch{return!1}";
const EDITS = [
  ["[`shell/curl`,`ruby/native`,`node/undici`,`php/guzzle`,`python/python3`]", "[`shell/curl`,`js/fetch`,`python/requests`]"],
  ["try{return Function(``),!0}catch{return!1}", "return!1"],
  ["placeholder:`QUxMIFlPVVIgQkFTRSBBUkUgQkVMT05HIFRPIFVT`", "placeholder:`ari_k_…`"],
  ["await a(`bundle`,async()=>await ai(at(f)", `${REST}await a(\`bundle\`,async()=>await ai(at(f)`],
  ["let t=i(`coerceValue`,()=>Dn(Dl,", `${REST}let t=i(\`coerceValue\`,()=>Dn(Dl,`],
  ["if(!O(st,f)){let e=Array.from(Lr(st,f))", `${REST}if(!O(st,f)){let e=Array.from(Lr(st,f))`],
  ["let p=H(b[r]),h=ct(at(f)", `${REST}let p=H(b[r]),h=ct(at(f)`],
  [IS_ADDRESS, `if(!/^\\s*https?:/i.test(e))return!1;${IS_ADDRESS}`],
];

const edited = {
  name: "edited",
  setup(builder) {
    const found = new Set();
    builder.onLoad({ filter: /api-reference\/dist\/browser\/.*\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const [theirs, ours] of EDITS) {
        if (contents.includes(theirs)) found.add(theirs);
        contents = contents.replaceAll(theirs, () => ours);
      }
      return { contents };
    });
    builder.onEnd(() => {
      if (found.size !== EDITS.length) throw new Error("the API reference is not what it was: see EDITS");
    });
  },
};

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

// Packages published without the licence that they name.
const OURS_TO_ADD = { "@scalar/api-reference": "LICENSE.scalar" };

// What the published bundle of the reference holds is named by its source maps, and its licenses are collected by
// `make lock`: the packages themselves are not installed here.
const IN_BUNDLE = /\/\.pnpm\/[^/]+?@(\d[^/_(]*)[^/]*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

async function bundledLicenses(inputs) {
  const collected = new Map();
  for (const section of (await readFile("LICENSES.reference", "utf8")).split(/^(?=---- )/m)) {
    collected.set(section.split(" ", 3).slice(1, 3).join(" "), section);
  }
  const used = new Set(["@phosphor-icons/core 2.1.1", "rolldown 1.3.3"]);
  // The helpers of the bundler that built it have no map.
  const mapped = (path) => /api-reference\/dist\/browser\/.*\.js$/.test(path) && !/rolldown-runtime/.test(path);
  for (const path of inputs.filter(mapped)) {
    for (const source of JSON.parse(await readFile(`${path}.map`, "utf8")).sources) {
      const [, version, name] = IN_BUNDLE.exec(source) ?? [];
      if (name) used.add(`${name} ${version}`);
    }
  }
  return [...used].sort().map((package_) => {
    if (!collected.has(package_)) throw new Error(`LICENSES.reference lacks ${package_}: run make lock`);
    return `\n${collected.get(package_).trimEnd()}\n`;
  });
}

async function licenses(inputs) {
  const used = inputs.map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean);
  let text = "Parts of these files come from the following packages.\n";
  for (const name of [...new Set([...used, "esbuild", "lucide-static"])].sort()) {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[sc]e/i.test(entry));
    if (!file && !OURS_TO_ADD[name]) throw new Error(`${name} carries no licence text`);
    const words = await readFile(file ? join(folder, file) : OURS_TO_ADD[name], "utf8");
    text += `\n---- ${name} ${version} (${license})\n\n${words.trim()}\n`;
  }
  text += (await bundledLicenses(inputs)).join("");
  await writeFile(join(out, "licenses.txt"), text);
}

await mkdir(out, { recursive: true });
const inputs = [...(await bundle()), ...(await reference())];
await sprite();
await licenses(inputs);
const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(join(out, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
