// Comfort for the checkout and the order's page. Everything works without this file; the server
// checks every field again. Hooks are data- attributes, texts come from the page.

const BRANDS = [
  ["Visa", /^4/],
  ["Mastercard", /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/],
  ["American Express", /^3[47]/],
  ["Discover", /^(6011|64[4-9]|65)/],
  ["JCB", /^35(2[89]|[3-8])/],
  ["Diners Club", /^3(0[0-5]|6|[89])/],
];
const POLL_MS = 2000;
const OPTIONS_DELAY_MS = 350;

const digitsOf = (text) => text.replace(/\D/g, "");
const isAmex = (digits) => /^3[47]/.test(digits);

function passesLuhn(digits) {
  let sum = 0;
  [...digits].reverse().forEach((digit, position) => {
    const value = Number(digit) * (position % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return sum % 10 === 0;
}

function spaced(digits) {
  if (isAmex(digits)) {
    return [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10, 15)].filter(Boolean).join(" ");
  }
  return digits.slice(0, 19).replace(/(.{4})(?=.)/g, "$1 ");
}

// Write `text` and keep the cursor behind the same digit.
function rewrite(input, text) {
  if (input.value === text) return;
  const before = digitsOf(input.value.slice(0, input.selectionStart ?? input.value.length)).length;
  input.value = text;
  if (document.activeElement !== input) return;
  let position = 0;
  for (let seen = 0; position < text.length && seen < before; position += 1) {
    if (/\d/.test(text[position])) seen += 1;
  }
  input.setSelectionRange(position, position);
}

function enhanceCard(form) {
  const number = form.elements.namedItem("card_number");
  if (!number) return;
  const expiry = form.elements.namedItem("card_expiry");
  const code = form.elements.namedItem("card_cvc");
  const brand = form.querySelector("[data-card-brand]");

  number.addEventListener("input", () => {
    const digits = digitsOf(number.value);
    number.setCustomValidity("");
    if (!/[^\d -]/.test(number.value)) rewrite(number, spaced(digits));
    const name = BRANDS.find(([, pattern]) => pattern.test(digits))?.[0] ?? "";
    if (brand.textContent !== name) brand.textContent = name;
    code.placeholder = isAmex(digits) ? "1234" : "123";
  });
  number.addEventListener("change", () => {
    const digits = digitsOf(number.value);
    const isBad = digits.length > 0 && (digits.length < 12 || !passesLuhn(digits));
    number.setCustomValidity(isBad ? number.dataset.badNumber : "");
  });
  expiry.addEventListener("input", (event) => {
    const isDeleting = event.inputType?.startsWith("delete");
    if (!isDeleting && /^(0[1-9]|1[0-2])$/.test(expiry.value)) expiry.value += "/";
    else if (!isDeleting && /^[2-9]$/.test(expiry.value)) expiry.value = `0${expiry.value}/`;
  });
  document.querySelectorAll("[data-practice-card]").forEach((button) => {
    button.addEventListener("click", () => fillPracticeCard(button.dataset.practiceCard));
  });

  function fillPracticeCard(practiceNumber) {
    if (form.querySelector("input[name=provider]:checked")?.dataset.card === "no") {
      form.querySelector("input[name=provider][data-card=yes]")?.click();
    }
    number.value = practiceNumber;
    expiry.value = `12/${String(new Date().getFullYear() + 3).slice(2)}`;
    code.value = isAmex(digitsOf(practiceNumber)) ? "1234" : "123";
    number.dispatchEvent(new Event("input"));
    form.querySelector("[data-pay-button]").focus();
  }
}

// Show the card fields for the chosen option only; disabled ones are neither checked nor sent.
function applyChoice(form) {
  const chosen = form.querySelector("input[name=provider]:checked");
  const card = form.querySelector("[data-card-fields]");
  if (card) {
    const isNeeded = chosen?.dataset.card === "yes";
    card.hidden = !isNeeded;
    card.disabled = !isNeeded;
    card.querySelectorAll("input:not([name=card_holder])").forEach((input) => {
      input.required = isNeeded;
    });
  }
  form.querySelectorAll("[data-needed-for]").forEach((input) => {
    const needing = input.dataset.neededFor.split(" ");
    const isNeeded = Boolean(chosen?.value) && needing.includes(chosen.value);
    input.required = isNeeded;
    input.closest(".field").hidden = Boolean(chosen?.value) && !isNeeded;
  });
}

function enhanceOptions(form) {
  const part = form.querySelector("[data-options]");
  const status = form.querySelector("[data-options-status]");
  const button = form.querySelector("[data-without-script]");
  const extras = new Map();
  let running = null;
  let timer = 0;

  function remember() {
    part.querySelectorAll("input:not([type=radio])").forEach((input) => {
      extras.set(input.name, input.value);
    });
  }

  function restore(provider) {
    const choice = [...part.querySelectorAll("input[name=provider]")].find(
      (input) => input.value === provider,
    );
    if (choice) choice.checked = true;
    form.querySelectorAll("[data-kept-extra]").forEach((input) => input.remove());
    part.querySelectorAll("input:not([type=radio])").forEach((input) => {
      if (extras.has(input.name)) input.value = extras.get(input.name);
    });
  }

  async function refresh() {
    running?.abort();
    running = new AbortController();
    remember();
    const provider = form.querySelector("input[name=provider]:checked")?.value ?? "";
    const query = new URLSearchParams({ provider });
    for (const name of ["amount", "currency", "country"]) {
      const field = form.elements.namedItem(name);
      if (field) query.set(name, field.value);
    }
    part.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${form.dataset.optionsUrl}?${query}`, { signal: running.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...page.body.childNodes);
      restore(provider);
      applyChoice(form);
      status.textContent = part.querySelector("[data-summary]").dataset.summary;
      button.hidden = true;
    } catch (error) {
      // An aborted request was replaced by a newer one; any other failure leaves the button.
      if (error.name === "AbortError") return;
      button.hidden = false;
    }
    part.removeAttribute("aria-busy");
  }

  form.querySelectorAll("[data-kept-extra]").forEach((input) => extras.set(input.name, input.value));
  form.querySelectorAll("[data-options-trigger]").forEach((field) => {
    field.addEventListener(field.dataset.optionsTrigger, () => {
      clearTimeout(timer);
      timer = setTimeout(refresh, field.tagName === "SELECT" ? 0 : OPTIONS_DELAY_MS);
    });
  });
  part.addEventListener("change", () => applyChoice(form));
  button.hidden = true;
  applyChoice(form);
}

// A second press while the first is on its way is harmless on the server; here it is not offered.
function enhanceSubmit(form) {
  const button = form.querySelector("[data-pay-button]");
  const text = button.querySelector("[data-pay-text]");
  const idleText = text.textContent;

  form.addEventListener("submit", (event) => {
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    if (event.submitter?.name) return; // Another language or other options: nothing is paid.
    form.dataset.sent = "yes";
    button.dataset.busy = "yes";
    button.setAttribute("aria-disabled", "true");
    text.textContent = button.dataset.busyText;
  });
  // A page that comes back from the history cache has to be usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    delete form.dataset.sent;
    delete button.dataset.busy;
    button.removeAttribute("aria-disabled");
    text.textContent = idleText;
  });
}

function watchResult(result) {
  if (!result.dataset.statusUrl) return;
  const poll = async () => {
    try {
      const answer = await fetch(result.dataset.statusUrl, { cache: "no-store" });
      if (answer.ok && (await answer.json()).fingerprint !== result.dataset.fingerprint) {
        window.location.reload();
        return;
      }
    } catch {
      // Offline for a moment: the next poll tries again.
    }
    setTimeout(poll, document.hidden ? POLL_MS * 5 : POLL_MS);
  };
  setTimeout(poll, POLL_MS);
}

// Other buttons that take a while: one press, with a word that it is on its way.
function sendOnce(form) {
  const button = form.querySelector("[data-busy-text]");
  const idleText = button.textContent;

  form.addEventListener("submit", (event) => {
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busyText;
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
    button.textContent = idleText;
  });
}

const form = document.querySelector("#pay-form");
if (form) {
  enhanceCard(form);
  enhanceOptions(form);
  enhanceSubmit(form);
}
document.querySelectorAll("[data-send-once]").forEach(sendOnce);
const result = document.querySelector("[data-fingerprint]");
if (result) watchResult(result);
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
