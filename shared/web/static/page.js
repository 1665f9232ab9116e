// What all pages do beyond HTML: after htmx has replaced the content, the focus goes to what needs to be read first.
"use strict";

// Somebody who stopped the browser from sending wants to press again.
const GIVEN_UP_MS = 5000;

document.addEventListener("htmx:afterSettle", (event) => {
  const main = document.getElementById("main");
  if (!main || event.detail.target !== main) return;
  const first = main.querySelector("[autofocus]") || main;
  first.focus({ preventScroll: first === main });
});

// A form in flight is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "get") return;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, GIVEN_UP_MS);
}, true);

// A page that comes back from the browser's own memory can be sent again; so can one whose answer was lost.
const free = () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
window.addEventListener("pageshow", free);
document.addEventListener("htmx:afterRequest", free);

// On a small screen the menu is folded away until somebody asks for it.
{
  const menu = document.getElementById("menu");
  const unfold = document.getElementById("unfold");
  const small = window.matchMedia("(max-width: 40rem)");
  const show = (shown) => {
    menu.hidden = !shown;
    unfold.setAttribute("aria-expanded", String(shown));
  };
  const fit = () => {
    unfold.hidden = !small.matches || !menu.children.length;
    show(unfold.hidden);
  };
  unfold.addEventListener("click", () => show(menu.hidden));
  small.addEventListener("change", fit);
  fit();
}
