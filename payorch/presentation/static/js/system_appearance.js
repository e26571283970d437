// Runs in the head, before anything is painted: no flash of the wrong colors. Someone who chose
// light or dark gets that from the server already; this is for "as the system says".
(() => {
  const root = document.documentElement;
  if (root.dataset.appearance !== "system") return;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    root.dataset.bsTheme = dark.matches ? "dark" : "light";
    window.dispatchEvent(new Event("payorch:appearance"));
  };
  apply();
  dark.addEventListener("change", apply);
})();
