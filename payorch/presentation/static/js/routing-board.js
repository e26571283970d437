// The routing board without page loads: dragging, arrow keys, buttons and numbers.
//
// The server decides what each step leads to. This script only sends the board's form, as the
// browser would, and puts the answer in place of the board, keeping the focus where it was.

const BOARD = "[data-routing-board]";

let isBusy = false;
// Asked for once, a replay follows the draft: after each change it is run again.
let replayedDays = null;
let replayRun = 0;

start();

function start() {
  const board = document.querySelector(BOARD);
  const list = board.querySelector("[data-board-list]");
  const handles = board.querySelectorAll("[data-handle]");
  handles.forEach((handle) => {
    handle.hidden = false;
    handle.addEventListener("keydown", onHandleKey);
    handle.addEventListener("blur", onHandleBlur);
  });
  if (handles.length > 1) {
    window.Sortable.create(list, {
      handle: "[data-handle]",
      draggable: "[data-board-row]",
      ghostClass: "is-ghost",
      animation: 120,
      onEnd: (event) => {
        if (event.oldDraggableIndex !== event.newDraggableIndex) {
          sendMove(event.item, event.newDraggableIndex);
        }
      },
    });
  }
  board.addEventListener("click", onClick);
  board.addEventListener("change", onChange);
  if (replayedDays && board.querySelector("[data-replay]")) {
    document.getElementById("replay-days").value = replayedDays;
    replay();
  }
}

// Buttons and numbers

function onClick(event) {
  if (event.target.closest("#replay")) {
    event.preventDefault();
    replay();
    return;
  }
  const button = event.target.closest('button[name="move"], #update-preview');
  if (!button) return;
  event.preventDefault();
  send(button);
}

function onChange(event) {
  if (event.target.matches('.board-number input[type="number"]')) send(null);
}

// Arrow keys: the row moves on the page at once and is sent when it is dropped.

let picked = null;

function onHandleKey(event) {
  const row = event.currentTarget.closest("[data-board-row]");
  if (event.key === " " || event.key === "Enter") {
    event.preventDefault();
    if (picked) drop();
    else pickUp(row);
    return;
  }
  if (!picked) return;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    event.preventDefault();
    step(event.key === "ArrowUp" ? -1 : 1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    putBack();
  }
}

function onHandleBlur() {
  // Moving a row in the document blurs its handle for a moment; that is not leaving it.
  if (picked && !picked.isStepping) putBack();
}

function pickUp(row) {
  picked = { row, from: placeOf(row), isStepping: false };
  row.classList.add("is-picked-up");
  say(`${row.dataset.name} picked up. ${position(row)}`);
}

function step(by) {
  const { row } = picked;
  const neighbor = rows()[placeOf(row) + by];
  if (!neighbor) return;
  picked.isStepping = true;
  if (by < 0) neighbor.before(row);
  else neighbor.after(row);
  row.querySelector("[data-handle]").focus();
  picked.isStepping = false;
  say(position(row));
}

function drop() {
  const { row, from } = picked;
  letGo();
  if (placeOf(row) === from) say(`${row.dataset.name} stays where it was.`);
  else sendMove(row, placeOf(row));
}

function putBack() {
  const { row, from } = picked;
  const hadFocus = row.contains(document.activeElement);
  letGo();
  const others = rows().filter((other) => other !== row);
  if (others[from]) others[from].before(row);
  else others.at(-1)?.after(row);
  if (hadFocus) row.querySelector("[data-handle]").focus();
  say(`${row.dataset.name} is back where it was.`);
}

function letGo() {
  picked.row.classList.remove("is-picked-up");
  picked = null;
}

// Replays

async function replay() {
  const place = document.querySelector("[data-replay]");
  const result = place.querySelector("[data-replay-result]");
  const run = ++replayRun;
  replayedDays = document.getElementById("replay-days").value;
  showProgress(place, { done: 0, of: 1 });
  const body = new FormData(document.getElementById("board-form"));
  inServerOrder(body);
  try {
    for await (const line of linesOf(place.dataset.replay, body)) {
      // A later replay has begun, or the board was drawn anew.
      if (run !== replayRun) return;
      if (line.html) result.replaceChildren(...parsed(line.html).body.childNodes);
      else if (line.problem) result.replaceChildren(problemNotice(line.problem));
      else showProgress(place, line);
    }
  } catch {
    result.replaceChildren(problemNotice("The replay did not come through. Try it again."));
  }
  place.querySelector("[data-replay-progress]").hidden = true;
}

async function* linesOf(url, body) {
  const headers = { Accept: "application/x-ndjson" };
  const response = await fetch(url, { method: "POST", body, headers });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? "";
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) yield JSON.parse(line);
    if (done) return;
  }
}

function showProgress(place, { done, of }) {
  place.querySelector("[data-replay-progress]").hidden = false;
  place.querySelector("progress").value = done / of;
  const count = done ? `${done.toLocaleString("en")} of about ${of.toLocaleString("en")} orders` : "";
  place.querySelector("[data-replay-count]").textContent = count;
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

function problemNotice(text) {
  const notice = document.createElement("p");
  notice.className = "notice notice-error";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  return notice;
}

// Talking to the server

function sendMove(row, place) {
  // The form lists the providers in the order of the page, so the row goes home first: the
  // server is told one move, and decides about tiers itself.
  send(null, `${row.dataset.boardRow}:${place + 1}`, `handle-${row.dataset.boardRow}`);
}

async function send(button, move = null, focus = null) {
  if (isBusy) return;
  isBusy = true;
  const form = document.getElementById("board-form");
  const body = new FormData(form, button?.form === form ? button : undefined);
  if (move) body.set("move", move);
  inServerOrder(body);
  const focusId = focus ?? document.activeElement?.id;
  try {
    const response = await fetch(form.action, { method: "POST", body });
    const page = parsed(await response.text());
    const fresh = page.querySelector(BOARD);
    if (!fresh) throw new Error(`no board in the answer (${response.status})`);
    document.querySelector(BOARD).replaceWith(fresh);
    start();
    focusAgain(focusId);
    announce(body.get("move"));
  } catch {
    // Without an answer the page itself is the safest message: the browser shows what is wrong.
    if (move) setField(form, "move", move);
    form.submit();
  } finally {
    isBusy = false;
  }
}

function inServerOrder(body) {
  const order = document.querySelector("[data-board-list]").dataset.order?.split(" ");
  if (!order) return;
  body.delete("provider");
  order.forEach((code) => body.append("provider", code));
}

function setField(form, name, value) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = name;
  input.value = value;
  form.append(input);
}

function focusAgain(id) {
  const element = id ? document.getElementById(id) : null;
  if (!element) return;
  if (!element.disabled) element.focus();
  // The row reached an end, so its button is off: its other button is the nearest thing to it.
  else element.parentElement.querySelector('button[name="move"]:not([disabled])')?.focus();
}

function announce(move) {
  const pending = document.querySelector("[data-pending]")?.dataset.pending ?? "0";
  const count = pending === "1" ? "1 change" : `${pending} changes`;
  const row = move
    ? document.querySelector(`[data-board-row="${CSS.escape(move.slice(0, move.lastIndexOf(":")))}"]`)
    : null;
  say(`${row ? `${row.dataset.name}: ${position(row)} ` : ""}${count} not published yet.`);
}

function say(text) {
  document.querySelector("[data-board-says]").textContent = text;
}

function rows() {
  return [...document.querySelectorAll("[data-board-row]")];
}

function placeOf(row) {
  return rows().indexOf(row);
}

function position(row) {
  return `Position ${placeOf(row) + 1} of ${rows().length}.`;
}
