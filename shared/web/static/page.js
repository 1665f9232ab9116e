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
