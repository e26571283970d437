// What every back office page needs: menu on small screens, copy buttons, and Flask-Admin's
// widgets without the inline handlers that the content security policy blocks.

function setUpMenu() {
  const button = document.querySelector("[data-menu-button]");
  const menu = document.querySelector("[data-menu]");
  if (!button || !menu) return;
  const show = (open) => {
    button.setAttribute("aria-expanded", String(open));
    menu.classList.toggle("is-closed", !open);
  };
  button.hidden = false;
  show(false);
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.contains(document.activeElement)) {
      show(false);
      button.focus();
    }
  });
}

function setUpCopyButtons() {
  if (!navigator.clipboard) return;
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  document.body.append(status);
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    // What is secret is neither read aloud nor written anywhere else: its button says what it was.
    status.textContent = `Copied ${button.dataset.copied ?? button.dataset.copy}`;
    button.classList.add("is-copied");
    setTimeout(() => button.classList.remove("is-copied"), 1500);
  });
}

function setUpFlaskAdminWidgets() {
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      const address = link.getAttribute("href") ?? "";
      // Flask-Admin marks links that go nowhere like this; following one is a policy violation.
      if (address.startsWith("javascript:") || address === "#") event.preventDefault();
      if (link.dataset.modelAction) window.modelActions?.execute(link.dataset.modelAction);
    },
    true,
  );
}

setUpMenu();
setUpCopyButtons();
setUpFlaskAdminWidgets();
