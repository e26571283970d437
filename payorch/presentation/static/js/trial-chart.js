// Draws the evidence of a trial. Numbers and texts are the server's; this only draws and colors.

const CONFIG = {
  displaylogo: false,
  responsive: true,
  // plotly.js would otherwise offer to upload the chart to a public server.
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

const chart = document.querySelector("[data-trial-chart]");
const place = chart.querySelector("[data-trial-plot]");
let figure = null;

function themeColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--po-${name}`).trim();
}

function colored(trace) {
  const color = themeColor(trace.meta.color);
  return { ...trace, marker: { ...trace.marker, color }, line: { color, width: 2 } };
}

function coloredLayout(layout) {
  const text = themeColor("text");
  const muted = themeColor("text-muted");
  const grid = themeColor("grid");
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid };
  return {
    ...layout,
    font: { family: themeColor("font"), size: 12, color: text },
    hoverlabel: { bgcolor: themeColor("surface"), bordercolor: grid, font: { color: text } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: text },
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
    shapes: layout.shapes.map((line) => ({ ...line, line: { ...line.line, color: muted } })),
    annotations: layout.annotations.map((note) => ({ ...note, font: { size: 11, color: muted } })),
  };
}

async function draw() {
  if (!figure) return;
  const { data, layout } = figure;
  await window.Plotly.react(place, data.map(colored), coloredLayout(layout), CONFIG);
  chart.dataset.drawn = "true";
}

async function load() {
  const answer = await fetch(chart.dataset.trialChart, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  figure = await answer.json();
  await draw();
}

window.addEventListener("payorch:appearance", draw);
load().catch(() => {
  chart.querySelector("[data-trial-problem]").hidden = false;
});
