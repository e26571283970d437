// Circuits that keep themselves fresh: countdowns run on, and states change as they happen.
//
// The server says what each circuit is; this script counts its seconds down and every few seconds
// puts fresh ones in place. A change of state is also said to people who do not see it.

const REFRESH_MS = 5000;
const TICK_MS = 1000;

const status = document.querySelector("[data-circuits]");
// When each countdown on the page ends, by this page's own clock.
const ends = new WeakMap();

function tick() {
  let isOver = false;
  for (const element of document.querySelectorAll("[data-countdown]")) {
    if (!ends.has(element)) {
      ends.set(element, performance.now() + Number(element.dataset.countdown) * 1000);
    }
    const left = Math.max(0, Math.ceil((ends.get(element) - performance.now()) / 1000));
    element.textContent = duration(left);
    isOver ||= left === 0;
  }
  return isOver;
}

// As routing/circuit_texts.py writes it.
function duration(seconds) {
  const parts = [
    [86400, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ];
  for (const [size, name, smallerSize, smallerName] of parts) {
    if (seconds >= size) {
      const rest = Math.floor((seconds % size) / smallerSize);
      return `${Math.floor(seconds / size)} ${name} ${rest} ${smallerName}`;
    }
  }
  return `${seconds} s`;
}

async function refresh() {
  const answer = await fetch(status.dataset.circuits, { cache: "no-cache" });
  if (answer.redirected) return window.location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const changes = [];
  for (const circuit of fresh.querySelectorAll("[data-circuit]")) {
    const selector = `[data-circuit="${CSS.escape(circuit.dataset.circuit)}"]`;
    for (const shown of document.querySelectorAll(selector)) {
      if (shown.dataset.state !== circuit.dataset.state) {
        changes.push(`${circuit.parentElement.dataset.name}: circuit ${circuit.dataset.state}.`);
      }
      shown.replaceWith(document.importNode(circuit, true));
    }
  }
  tick();
  if (changes.length) status.textContent = changes.join(" ");
}

let refreshedAt = performance.now();
let isBusy = false;

async function step() {
  const isDue = tick() || performance.now() - refreshedAt >= REFRESH_MS;
  if (!status || !isDue || isBusy || document.hidden) return;
  isBusy = true;
  try {
    await refresh();
  } catch {
    // The next try follows; what is shown says since when it holds.
  } finally {
    refreshedAt = performance.now();
    isBusy = false;
  }
}

tick();
setInterval(step, TICK_MS);
