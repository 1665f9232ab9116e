// The pause of the live figures. Without this, and without scripts at all, the page stands still and can be refreshed.
"use strict";

const state = document.getElementById("state");
const pause = document.getElementById("pause");
let source = null;

document.addEventListener("htmx:sseOpen", (event) => {
  source = event.detail.source;
  state.textContent = state.dataset.live;
});
document.addEventListener("htmx:sseError", () => { state.textContent = state.dataset.cut; });

pause.hidden = false;
pause.addEventListener("click", () => {
  if (source) {
    source.close();
    source = null;
    state.textContent = state.dataset.paused;
    pause.textContent = pause.dataset.goOn;
    return;
  }
  pause.textContent = pause.dataset.pause;
  // The same content, connected anew: the server sends whatever has moved since the page was made.
  const old = document.getElementById("figures");
  const fresh = old.cloneNode(true);
  old.replaceWith(fresh);
  htmx.process(fresh);
});
window.addEventListener("pagehide", () => source && source.close());
