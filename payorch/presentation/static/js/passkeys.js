// Passkeys: gets a challenge, lets the browser sign it, and sends the answer with the form.
//
// Without this script its part of a page stays hidden: codes work everywhere.

const PROBLEMS = {
  AbortError: "It was cancelled. Try again.",
  InvalidStateError: "This device is registered already.",
  NotAllowedError: "No passkey was used: it was cancelled, took too long, or is not on this device.",
  NotSupportedError: "This device has no kind of passkey that is taken here.",
  SecurityError: "Passkeys are for another address than that of this page.",
};

function bytesOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function textOf(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/* Options as the browser wants them: bytes where JSON has text. */
function readable(options) {
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));
  const read = { ...options, challenge: bytesOf(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytesOf(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = known(options.allowCredentials);
  return read;
}

function sendable(credential) {
  const { response } = credential;
  const sent = { clientDataJSON: textOf(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) sent[part] = textOf(response[part]);
  }
  if (response.getTransports) sent.transports = response.getTransports();
  return {
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    response: sent,
    clientExtensionResults: {},
  };
}

async function optionsFor(part, form) {
  const answer = await fetch(part.dataset.challenge, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({
      csrf_token: form.elements.csrf_token.value,
      purpose: part.dataset.passkey,
    }),
  });
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  if (answer.redirected || !isJson) throw new Error("You are not logged in any more: start again.");
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? "That did not work. Try again.");
  return readable(body);
}

async function signed(part, form) {
  const publicKey = await optionsFor(part, form);
  const asked =
    part.dataset.passkey === "register"
      ? navigator.credentials.create({ publicKey })
      : navigator.credentials.get({ publicKey });
  return JSON.stringify(sendable(await asked));
}

function problemOf(error) {
  if (error instanceof DOMException) return PROBLEMS[error.name] ?? error.message;
  if (error instanceof TypeError) return "The server does not answer. Try again.";
  return error.message;
}

function prepare(part) {
  const form = part.closest("form");
  const answer = part.querySelector("[data-passkey-answer]");
  const problem = part.querySelector("[data-passkey-problem]");
  const start = part.querySelector("[data-passkey-start]");

  function tell(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  async function begin() {
    tell("");
    start.disabled = true;
    try {
      answer.value = await signed(part, form);
      // A repeated field may be called "submit".
      HTMLFormElement.prototype.submit.call(form);
    } catch (error) {
      tell(problemOf(error));
      start.disabled = false;
      start.focus();
    }
  }

  part.hidden = false;
  if (!window.isSecureContext) {
    tell("Browsers take passkeys over https only.");
    start.disabled = true;
  } else if (!window.PublicKeyCredential) {
    tell("This browser has no passkeys.");
    start.disabled = true;
  }
  start.addEventListener("click", (event) => {
    event.preventDefault();
    if (form.elements.name && !form.elements.name.reportValidity()) return;
    begin();
  });
  if (part.dataset.passkey === "register") {
    // The Enter key in the field of the name.
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!start.disabled) begin();
    });
  }
}

for (const part of document.querySelectorAll("[data-passkey]")) prepare(part);
