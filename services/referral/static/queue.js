// Keeps an open queue up to date: rows come and change as they do at the server. Without this the page still works.
"use strict";

const RETRY_MS = 1000;
const queue = document.getElementById("queue");
const state = document.getElementById("state");
const pause = document.getElementById("pause");
let after = queue.dataset.after;
let source = null;

function connect() {
  const address = new URL(queue.dataset.stream, window.location.href);
  address.searchParams.set("after", after);
  source = new EventSource(address);
  source.addEventListener("open", () => { state.textContent = state.dataset.live; });
  source.addEventListener("row", (event) => {
    // The place to go on from: a cut, or a pause, loses nothing and repeats nothing.
    after = event.lastEventId;
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    state.textContent = state.dataset.cut;
    // While it tries again by itself the browser says where it stood; once it has given up, we do.
    if (source && source.readyState === EventSource.CLOSED) setTimeout(again, RETRY_MS, address);
  });
}

async function again(address) {
  const asking = new AbortController();
  const status = await fetch(address, { signal: asking.signal }).then((answer) => answer.status, () => 0);
  asking.abort();
  // The house does not know any more where the page stands (it was restored, say): the page begins anew.
  if (status === 422) window.location.reload();
  else if (source) connect();
}

function show(told) {
  if (!told.id) return;
  document.getElementById("open").textContent = told.open;
  const old = document.getElementById(`r-${told.id}`);
  if (old && Number(old.dataset.version) >= told.version) return;
  const made = document.createElement("template");
  made.innerHTML = told.html.trim();
  const row = made.content.firstElementChild;
  if (old) {
    const held = old.contains(document.activeElement);
    if (told.shown || held) {
      old.replaceWith(row);
      // Nobody loses the place on the page that the keyboard was at.
      if (held) row.querySelector("a, button").focus();
    } else {
      old.remove();
    }
  } else if (told.shown && !("more" in queue.dataset)) {
    row.classList.add("fresh");
    queue.append(row);
  }
  document.getElementById("empty").hidden = queue.children.length > 0;
  if (told.said && told.shown) document.getElementById("live").textContent = told.said;
}

pause.hidden = false;
pause.addEventListener("click", () => {
  if (source) {
    source.close();
    source = null;
    state.textContent = state.dataset.paused;
    pause.textContent = pause.dataset.goOn;
  } else {
    pause.textContent = pause.dataset.pause;
    connect();
  }
});
window.addEventListener("pagehide", () => source && source.close());
connect();
