// Draws the dashboard's figures and keeps them fresh without losing zoom or legend choices.
// Numbers and texts are the server's; this only draws, colors and links them.

const REFRESH_MS = 8000;
const CONFIG = {
  displaylogo: false,
  responsive: true,
  // plotly.js would otherwise offer to upload the chart to a public server.
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

const charts = document.querySelector("[data-charts]");
const problem = document.querySelector("[data-refresh-problem]");
const liveButton = document.querySelector("[data-live-button]");
let latest = null;
// Charts whose time axis somebody zoomed: the moving window must not take that away.
const zoomed = new Set();
let timer = null;
let isLive = charts.dataset.live === "true";

function themeColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--po-${name}`).trim();
}

function translucent(hex, alpha) {
  const digits = hex.slice(1);
  const channels = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
  return `rgba(${channels.join(", ")}, ${alpha})`;
}

// A flow's parts are many in one trace: each node and link names its own color.
function coloredFlow(trace) {
  const { node, link } = trace;
  const text = themeColor("text");
  return {
    ...trace,
    textfont: { color: text, shadow: "none" },
    node: { ...node, color: node.customdata.map(themeColor), line: { width: 0 } },
    link: { ...link, color: link.label.map((name) => translucent(themeColor(name), 0.35)) },
  };
}

function coloredHeat(trace) {
  const color = themeColor(trace.meta.color);
  const rates = trace.customdata.map(([, rate]) => rate);
  const least = Math.min(...rates);
  const reach = Math.max(...rates) - least || 1;
  const shade = (rate) => translucent(color, 0.08 + (0.92 * (rate - least)) / reach);
  return { ...trace, marker: { color: rates.map(shade), line: { width: 0 } } };
}

function colored(trace) {
  if (trace.meta.is_heat) return coloredHeat(trace);
  if (trace.type === "sankey") return coloredFlow(trace);
  const color = themeColor(trace.meta.color);
  if (trace.meta.is_band) return { ...trace, fillcolor: translucent(color, 0.15) };
  const marker = { ...trace.marker, color };
  if (trace.type === "bar") {
    const pattern = { ...marker.pattern, fgcolor: themeColor("surface") };
    return { ...trace, marker: { ...marker, pattern, line: { width: 0 } } };
  }
  return { ...trace, marker, line: { ...trace.line, color, width: 2 } };
}

function coloredLayout(layout) {
  const text = themeColor("text");
  const muted = themeColor("text-muted");
  const grid = themeColor("grid");
  const result = {
    ...layout,
    font: { family: themeColor("font"), size: 12, color: text },
    hoverlabel: { bgcolor: themeColor("surface"), bordercolor: grid, font: { color: text } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: text },
  };
  for (const [name, axis] of Object.entries(layout)) {
    if (/^[xy]axis\d*$/.test(name)) {
      result[name] = { ...axis, gridcolor: grid, zerolinecolor: grid, linecolor: grid };
    }
  }
  result.shapes = (layout.shapes ?? []).map((shape) => ({
    ...shape,
    line: { ...shape.line, color: muted },
    ...(shape.type === "rect" ? { fillcolor: themeColor("danger") } : {}),
  }));
  result.annotations = (layout.annotations ?? []).map((note) => ({
    ...note,
    font: { size: 10, color: muted },
  }));
  return result;
}

function watchZoom(place, name) {
  place.on("plotly_relayout", (change) => {
    if (change["xaxis.autorange"]) zoomed.delete(name);
    else if ("xaxis.range[0]" in change || "xaxis.range" in change) zoomed.add(name);
  });
  place.on("plotly_doubleclick", () => {
    zoomed.delete(name);
    draw();
  });
}

function withZoom(layout, place, name) {
  if (!zoomed.has(name)) return layout;
  return { ...layout, xaxis: { ...layout.xaxis, range: [...place.layout.xaxis.range] } };
}

// A chart over time tells of all its providers at once; a click is about the mark next to it.
function clickedPoint(place, { points, event }) {
  const pointer = event.clientY - place.getBoundingClientRect().top;
  const distance = ({ curveNumber, pointNumber, y, yaxis }) => {
    // Where a bar of a stack begins and ends, only plotly.js knows.
    const { s0 = y, s1 = y } = place.calcdata[curveNumber][pointNumber] ?? {};
    const [top, bottom] = [s0, s1].map((at) => yaxis._offset + yaxis.c2p(at)).sort((a, b) => a - b);
    return Math.max(top - pointer, pointer - bottom, 0);
  };
  const marks = points.filter((point) => Array.isArray(point.customdata));
  if (marks.length < 2) return marks[0];
  return marks.reduce((best, mark) => (distance(mark) < distance(best) ? mark : best));
}

function openTransactions(place, event) {
  const point = clickedPoint(place, event);
  if (!point) return;
  const { customdata } = point;
  const { meta } = point.data ?? point.trace;
  const [since, until] = customdata.slice(-2);
  // Some bars are of a reason: each of them names its own.
  const own = meta.point_filter ? { [meta.point_filter]: customdata[0] } : {};
  const currency = charts.dataset.currency ? { currency: charts.dataset.currency } : {};
  // Outcome bars are of an outcome, so each bar names its provider itself; a part of the flow
  // names all of its filters.
  const its = customdata.at(-3);
  const named = typeof its === "object" ? its : { provider: meta.provider ?? its };
  const query = new URLSearchParams({
    ...JSON.parse(charts.dataset.segment),
    ...named,
    ...meta.filter,
    ...own,
    ...currency,
    since,
    until,
  });
  window.location.assign(`${charts.dataset.transactions}?${query}`);
}

async function draw() {
  if (!latest) return;
  for (const [name, chart] of Object.entries(latest.charts)) {
    const place = charts.querySelector(`[data-plot="${name}"]`);
    const empty = charts.querySelector(`[data-empty="${name}"]`);
    place.hidden = !chart.drawn;
    empty.hidden = chart.drawn;
    empty.textContent = chart.why ?? (chart.n
      ? `Too few attempts for a point: n = ${chart.n}.`
      : "No attempts in this window.");
    charts.querySelector(`[data-n="${name}"]`).textContent = chart.n.toLocaleString("en");
    if (!chart.drawn) continue;
    const isNew = !place.classList.contains("js-plotly-plot");
    const { data, layout } = chart.figure;
    const shown = withZoom(coloredLayout(layout), place, name);
    // When the window changes, plotly.js takes the height of this element, not that of the layout.
    place.style.height = `${layout.height}px`;
    await window.Plotly.react(place, data.map(colored), shown, CONFIG);
    if (isNew) {
      place.on("plotly_click", (event) => openTransactions(place, event));
      watchZoom(place, name);
    }
  }
  charts.dataset.drawn = String(Number(charts.dataset.drawn ?? 0) + 1);
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

async function fillTable(details) {
  const answer = await fetch(details.dataset.table);
  if (!answer.ok) return;
  const content = parsed(await answer.text()).querySelector("[data-table-content]");
  if (content) details.querySelector("[data-table-body]").replaceChildren(...content.childNodes);
}

function fillOpenTables() {
  return Promise.allSettled([...charts.querySelectorAll("details[open]")].map(fillTable));
}

async function refresh() {
  try {
    const answer = await fetch(charts.dataset.figures, { cache: "no-cache" });
    if (answer.redirected) return window.location.reload();
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    latest = await answer.json();
    for (const part of parsed(latest.parts).querySelectorAll("[data-part]")) {
      document.querySelector(`[data-part="${part.dataset.part}"]`).replaceWith(part);
    }
    problem.hidden = true;
    await draw();
    await fillOpenTables();
  } catch (error) {
    problem.textContent =
      `The numbers could not be refreshed (${error.message}); those shown are older. ` +
      "The next try follows by itself.";
    problem.hidden = false;
  }
}

function schedule() {
  clearTimeout(timer);
  if (!isLive || document.hidden) return;
  timer = setTimeout(async () => {
    await refresh();
    schedule();
  }, REFRESH_MS);
}

function setUpLiveButton() {
  if (!isLive) return;
  liveButton.hidden = false;
  liveButton.addEventListener("click", async () => {
    isLive = !isLive;
    liveButton.setAttribute("aria-pressed", String(isLive));
    liveButton.textContent = isLive ? "Live" : "Paused";
    if (isLive) await refresh();
    schedule();
  });
  document.addEventListener("visibilitychange", async () => {
    if (!document.hidden && isLive) await refresh();
    schedule();
  });
}

function setUpWindowChoice() {
  const choice = document.querySelector("[data-window]");
  const show = () => {
    for (const field of document.querySelectorAll("[data-custom-window]")) {
      field.hidden = choice.value !== "custom";
      // A hidden field would still be sent, and clutter the address.
      field.querySelector("input").disabled = field.hidden;
    }
  };
  choice.addEventListener("change", show);
  show();
}

window.addEventListener("payorch:appearance", draw);
for (const details of charts.querySelectorAll("details[data-table]")) {
  details.addEventListener("toggle", () => details.open && fillTable(details));
}
setUpWindowChoice();
setUpLiveButton();
await refresh();
schedule();
