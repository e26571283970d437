// The totals of a list come after the list: adding up many rows must not make a page slow.
//
// Without this script, or when the request fails, the link to the page of totals stays.

const place = document.querySelector("[data-totals]");

async function show() {
  const answer = await fetch(place.dataset.totals);
  if (answer.redirected || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const shown = page.querySelector("[data-totals-shown]");
  if (shown) place.querySelector("[data-totals-link]").replaceWith(document.importNode(shown, true));
}

if (place) show().catch(() => {});
