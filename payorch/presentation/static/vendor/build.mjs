// Builds the vendored files from npm packages; BUILD.md says how and when to run it.
//
//   node build.mjs <folder with node_modules> <this folder>

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [packages, out] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(packages, "noop.js"));
const esbuild = require("esbuild");

// scatter is part of plotly.js's core. Only what our charts draw: 1.4 MB instead of 4.8.
const TRACES = ["bar", "box", "heatmap", "histogram", "indicator", "sankey"];

function packageJson(name) {
  return JSON.parse(readFileSync(join(packages, "node_modules", name, "package.json"), "utf8"));
}

async function plotlyBundle() {
  const version = packageJson("plotly.js").version;
  const result = await esbuild.build({
    stdin: {
      contents: `import Plotly from "plotly.js/lib/core";
${TRACES.map((trace) => `import ${trace} from "plotly.js/lib/${trace}";`).join("\n")}
Plotly.register([${TRACES.join(", ")}]);
window.Plotly = Plotly;`,
      resolveDir: packages,
    },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    legalComments: "none", // every license text goes into plotly-licenses.txt
    charset: "ascii",
    define: { global: "window", "define.amd": "false" },
    loader: { ".css": "empty" },
    metafile: true,
    write: false,
    logLevel: "warning",
    banner: {
      js: `/*! plotly.js v${version} (payorch's own bundle: scatter, ${TRACES.join(", ")})
 * Copyright 2012-2026, Plotly, Inc. Licensed under the MIT license.
 * Licenses of the libraries inside: plotly-licenses.txt */`,
    },
  });
  writeFileSync(join(out, "plotly.min.js"), result.outputFiles[0].contents);
  writeFileSync(join(out, "plotly-licenses.txt"), licenses(bundledFiles(result.metafile)));
}

function bundledFiles(metafile) {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.filter(([file, use]) => use.bytesInOutput > 0 && !file.endsWith(".css")).map(([file]) => file);
}

// One chapter per package that really got into the bundle.
function licenses(inputs) {
  const names = new Set();
  for (const input of inputs) {
    const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
    if (match) names.add(match[1]);
  }
  return [...names].sort().map((name) => {
    const folder = join(packages, "node_modules", name);
    const about = existsSync(join(folder, "package.json")) ? packageJson(name) : {};
    const file = readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `License: ${about.license}`;
    return `==== ${name} ${about.version ?? ""}\n${text}\n`;
  }).join("\n");
}

// plotly.js adds its rules at run time, each one before the last, which a strict CSP refuses.
// The same rules as a file, in the order in which they end up in the style sheet.
function plotlyStylesheet() {
  const version = packageJson("plotly.js").version;
  const source = readFileSync(join(packages, "node_modules/plotly.js/build/plotcss.js"), "utf8");
  const rules = [];
  const script = source.replace(/var Lib = .*;/, "");
  new Function("Lib", script)({ addStyleRule: (selector, body) => rules.unshift(`${selector}{${body}}`) });
  const head = `/*! plotly.js v${version} style rules. Copyright 2012-2026, Plotly, Inc. MIT license. */`;
  writeFileSync(join(out, "plotly.css"), [head, ...rules, ""].join("\n"));
}

function copy(from, to) {
  const text = readFileSync(join(packages, "node_modules", from), "utf8");
  writeFileSync(join(out, to), text.replace(/\n?\/[*/][#@] sourceMappingURL=\S+( \*\/)?\s*$/, "\n"));
}

await plotlyBundle();
plotlyStylesheet();
copy("sortablejs/Sortable.min.js", "sortable.min.js");
copy("@tabler/core/dist/css/tabler.min.css", "tabler.min.css");

for (const file of ["plotly.css", "plotly-licenses.txt", "plotly.min.js", "sortable.min.js", "tabler.min.css"]) {
  const content = readFileSync(join(out, file));
  console.log(`${createHash("sha256").update(content).digest("hex")}  ${file}`);
}
