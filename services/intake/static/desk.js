// The front desk with a script: single keys, no reload between two visits, and drafts that outlive a cut network.
// A draft is codes only: no name, no free text, no sensitive topic. Its key is made once; sent twice, it counts once.
"use strict";

(() => {
  const form = document.getElementById("visit");
  const words = form.dataset;
  const PREFIX = "desk.draft.";
  const RETRY_MS = 5_000;
  const FRESH_MS = 60_000;
  const PATIENCE_MS = 5_000;
  const FLICKER_MS = 400;
  // Looking again by itself must not keep the session of somebody who went away.
  const PRESENT_MS = 5 * 60_000;
  // The house forgets keys after seven days: what is older could be counted twice, and is shown instead.
  const SENT_WITHIN_MS = 6 * 24 * 3600 * 1000;
  // The desk's clock may be wrong; the house's is asked once a page.
  const skew = Date.parse(words.now) - Date.now();

  const $ = (selector) => form.querySelector(selector);
  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const newKey = () => "desk-" + hex(crypto.getRandomValues(new Uint8Array(16)));
  const now = () => new Date(Date.now() + skew);



  const drafts = () => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map(read)
    .filter(Boolean).sort((one, other) => one.at.localeCompare(other.at));

  function read(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  }

  const keep = (draft) => localStorage.setItem(PREFIX + draft.key, JSON.stringify(draft));
  const drop = (draft) => localStorage.removeItem(PREFIX + draft.key);

  // "sent" with the visit's id, "later" (no network, or the house is busy), "sign-in", or "refused".
  async function send(draft) {
    let answer;
    try {
      answer = await fetch("/visits", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": draft.key },
        body: JSON.stringify(draft.visit),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status === 201) return { how: "sent", id: (await answer.json()).visit_id };
    } catch {
      return { how: "later" };
    }
    if (answer.status === 401 || answer.status === 403) return { how: "sign-in" };
    return { how: [408, 409, 429].includes(answer.status) || answer.status >= 500 ? "later" : "refused" };
  }

  const visitOf = new Map();
  let sending = Promise.resolve();
  let nextTurn = null;
  let signIn = false;

  // One turn after the other; whoever asks while one is under way shares the next.
  function sendAll() {
    nextTurn ??= sending = sending.catch(() => {}).then(() => {
      nextTurn = null;
      return sendWaiting();
    });
    return nextTurn;
  }

  async function sendWaiting() {
    let sent = 0;
    signIn = false;
    for (const draft of drafts()) {
      if (draft.refused) continue;
      if (now() - Date.parse(draft.at) > SENT_WITHIN_MS) {
        keep({ ...draft, refused: true });
        continue;
      }
      const { how, id } = await send(draft);
      if (how === "sent") {
        drop(draft);
        visitOf.set(draft.key, id);
        sent += 1;
      } else if (how === "refused") {
        keep({ ...draft, refused: true });
      } else {
        signIn = how === "sign-in";
        break;
      }
    }
    tellWaiting();
    return sent;
  }

  function tellWaiting() {
    const place = document.getElementById("waiting");
    const all = drafts();
    const refused = all.filter((draft) => draft.refused);
    const waiting = all.length - refused.length;
    const lines = [];
    if (waiting && signIn) lines.push(words.signIn.replace("%n", waiting));
    else if (waiting) lines.push(waiting === 1 ? words.waitingOne : words.waiting.replace("%n", waiting));
    const items = lines.map((line) => Object.assign(document.createElement("p"), { textContent: line }));
    if (refused.length) {
      const line = words.refused.replace("%n", refused.length);
      items.push(Object.assign(document.createElement("p"), { textContent: line }), ...refused.map(refusedItem));
    }
    place.hidden = !items.length;
    place.dataset.count = waiting;
    if (place.textContent !== items.map((item) => item.textContent).join("")) place.replaceChildren(...items);
  }

  function refusedItem(draft) {
    const item = document.createElement("p");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words.drop });
    button.addEventListener("click", () => { drop(draft); tellWaiting(); });
    item.append(`${new Date(draft.at).toLocaleString(document.documentElement.lang)} : ${draft.told.join(", ")} `, button);
    return item;
  }



  const category = () => $("[name=category]:checked");
  const panel = () => category()?.closest(".pick").querySelector(".panel");

  // The request under the worker's hands: as the server's own hidden field has it, and in words.
  function chosenNow() {
    const picked = category();
    if (!picked) return null;
    const topic = panel().querySelector("[name^=topic_]:checked");
    const step = panel().querySelector("[name^=next_]:checked");
    const sensitive = "sensitive" in topic.dataset;
    const goes = step.value ? step.closest("label").textContent.replace(/^\s*0\s/, "").trim()
      : topic.closest("label").querySelector(".goes").textContent;
    const subject = (sensitive ? topic.closest("label").querySelector(".subject")
      : picked.closest("label").querySelector("span")).textContent;
    return { text: `${picked.value}:${topic.value}:${step.value}`, subject, sensitive, where: `${subject} ${goes}` };
  }

  function requestOf(text) {
    const [name, topic, step] = text.split(":");
    const request = { category: name };
    if (topic) request.topic = topic;
    if (step === "here") request.answered = true;
    else if (step && step !== "team") request.partner = step;
    return request;
  }

  function add(chosen) {
    const item = Object.assign(document.createElement("li"), { className: "row" });
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "request", value: chosen.text });
    field.toggleAttribute("data-sensitive", chosen.sensitive);
    field.dataset.where = chosen.where;
    const subject = Object.assign(document.createElement("span"), { textContent: chosen.subject });
    const button = Object.assign(document.createElement("button"), {
      name: "remove", value: "0", className: "outline secondary", textContent: words.remove,
    });
    button.setAttribute("aria-label", `${words.remove} : ${chosen.subject}`);
    item.append(field, subject, " ", button);
    $("#chosen ol").append(item);
    $("#chosen").hidden = false;
    clearChoice();
  }

  function clearChoice() {
    form.querySelectorAll("#choices input").forEach((input) => { input.checked = input.defaultChecked; });
    form.querySelectorAll("#choices details").forEach((details) => { details.open = false; });
  }

  function clear() {
    form.reset();
    document.getElementById("receiving").replaceChildren();
    document.getElementById("joining").replaceChildren();
    // Loaded again, the page must not put the next person into the case of the one before.
    const here = new URL(location.href);
    ["case", "arrival"].forEach((name) => here.searchParams.delete(name));
    history.replaceState(null, "", here);
    clearChoice();
    $("#chosen ol").replaceChildren();
    $("#chosen").hidden = true;
    form.elements.key.value = newKey();
  }

  // Where the person before was sent must not be read to the next one.
  const begin = () => document.getElementById("done").replaceChildren();

  const say = (text) => { document.getElementById("live").textContent = text; };

  async function record() {
    const chosen = chosenNow();
    const fields = [...form.querySelectorAll("[name=request]")];
    const texts = [...fields.map((field) => field.value), ...(chosen ? [chosen.text] : [])];
    if (!texts.length) {
      $("[name=category]").focus();
      return;
    }
    const sensitive = chosen?.sensitive || fields.some((field) => "sensitive" in field.dataset);
    const told = [...form.querySelectorAll("#chosen li > span")].map((span) => span.textContent);
    const at = now().toISOString();
    const visit = {
      site: form.elements.site.value, channel: form.elements.channel.value, occurred_at: at, requests: texts.map(requestOf),
    };
    Object.assign(visit, saidNow());
    const draft = { key: form.elements.key.value, at, visit, told: [...told, ...(chosen ? [chosen.subject] : [])] };
    const where = [...fields.map((field) => field.dataset.where), chosen?.where].filter(Boolean);
    await (sensitive ? recordUnkept(draft) : recordKept(draft, where));
  }

  // What is said of the visit besides its requests: codes, and nothing that was left unsaid.
  function saidNow() {
    const data = new FormData(form), said = {};
    if (data.get("language")) said.language = data.get("language");
    if (data.getAll("needs").length) said.needs = data.getAll("needs");
    if (data.get("children")) said.children = true;
    if (data.get("arrival")) said.arrival_id = data.get("arrival");
    if (data.get("case")) said.case_id = data.get("case");
    return said;
  }

  async function recordKept(draft, where) {
    try {
      keep(draft);
    } catch {
      return recordUnkept(draft);
    }
    const proposedAt = $("#choices").dataset.proposedAt;
    clear();
    const slow = setTimeout(() => tell(words.kept, [...where, proposedAt]), FLICKER_MS);
    await sendAll();
    clearTimeout(slow);
    const id = visitOf.get(draft.key);
    if (id) await show(id);
    else if (read(PREFIX + draft.key)?.refused) tell(words.failed, [], "fault");
    else if (isUntouched()) tell(words.kept, [...where, proposedAt]);
  }

  // What may not be kept here stays in the form until the house has it; its key stays the same.
  let busy = false;

  async function recordUnkept(draft) {
    if (busy) return;
    busy = true;
    const { how, id } = await send(draft);
    busy = false;
    if (how !== "sent") {
      tell({ later: words.notKept, "sign-in": words.again }[how] || words.failed, [], "fault");
      return;
    }
    clear();
    await show(id);
  }

  // The page itself says what was recorded: its parts are taken over, the page stays open.
  async function show(id) {
    const page = await load(`/desk?done=${id}&site=${form.elements.site.value}`);
    if (!page) {
      tell(words.recorded, [], "sent");
      return;
    }
    take(page, ["done", "today"]);
    takeChoices(page);
    document.getElementById("another").focus({ preventScroll: true });
    document.getElementById("done").scrollIntoView({ block: "nearest" });
    say(document.querySelector("#done .notice").innerText);
  }

  async function load(address) {
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS) });
      return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    } catch {
      return null;
    }
  }

  const take = (page, ids) => ids.forEach((id) => document.getElementById(id).replaceWith(page.getElementById(id)));
  const isUntouched = () => !category() && !$("[name=request]");

  // What is proposed depends on the hour; it is never changed under the worker's hands.
  function takeChoices(page) {
    if (isUntouched() && !$("#choices").contains(document.activeElement)) take(page, ["choices"]);
  }

  function tell(text, lines = [], kind = "waiting") {
    const notice = Object.assign(document.createElement("div"), { className: `notice ${kind}` });
    const list = document.createElement("ul");
    list.append(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    notice.append(Object.assign(document.createElement("p"), { textContent: text }), list);
    document.getElementById("done").replaceChildren(notice);
    say([text, ...lines].join(" "));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // The next visit need not wait for this one to be sent.
    delete form.dataset.sent;
    const button = event.submitter;
    if (button?.name === "remove") button.closest("li").remove();
    else if (button?.value === "add") addChosen();
    else await record();
    $("#chosen").hidden = !$("#chosen li");
  });

  form.addEventListener("change", (event) => {
    if (event.target.name === "category") begin();
  });

  function addChosen() {
    const chosen = chosenNow();
    if (chosen) add(chosen);
    $("[name=category]").focus();
  }



  const shortcuts = document.getElementById("shortcuts");
  shortcuts.closest("label").hidden = false;
  shortcuts.checked = localStorage.getItem("desk.shortcuts") !== "off";
  shortcuts.addEventListener("change", () => localStorage.setItem("desk.shortcuts", shortcuts.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    if (!shortcuts.checked || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target.matches("textarea, input:not([type=radio], [type=checkbox])")) return;
    // A list of choices takes letters for itself.
    if (event.target.matches("select") && event.key !== "Enter") return;
    // On a French keyboard the digits and the plus sign want Shift: the key itself is enough.
    const digit = /^Digit(\d)$/.exec(event.code)?.[1];
    const key = event.key === "=" ? "+" : digit ?? event.key.toLowerCase();
    if (event.key === "Enter") {
      // On a link or a button, Enter is that link's; anywhere else it records what was chosen.
      if (event.target.closest("a, button, summary") || isUntouched()) return;
      event.preventDefault();
      form.requestSubmit($("[value=record]"));
    } else if (key === "backspace") {
      // The last entry may still lie here: the one that the house knows is then another visit.
      if (!isUntouched()) return;
      event.preventDefault();
      if (drafts().some((draft) => !draft.refused)) tell(words.notSentYet);
      else document.getElementById("last")?.click();
    } else if (key === "+") {
      event.preventDefault();
      addChosen();
    } else {
      const input = panel()?.querySelector(`[data-key="${CSS.escape(key)}"]`)
        ?? form.querySelector(`[name=category][data-key="${CSS.escape(key)}"]`);
      if (!input) {
        if (pressOther(key)) event.preventDefault();
        return;
      }
      event.preventDefault();
      input.checked = true;
      input.focus();
      if (input.name === "category") begin();
      // Below the fold, an answer that nobody sees is none.
      if (input.name === "category") panel().scrollIntoView({ block: "nearest" });
    }
  });

  // What is said of a visit is switched on and off; a button of the waiting room is pressed.
  function pressOther(key) {
    const other = document.querySelector(`.settings [data-key="${CSS.escape(key)}"], #waiting-room [data-key="${CSS.escape(key)}"]`);
    if (!other) return false;
    if (other.matches("select")) other.focus();
    else other.click();
    return true;
  }

  // "Next" without loading the page: it is here already.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#another")) return;
    event.preventDefault();
    document.getElementById("done").replaceChildren();
    $("[name=category]").focus();
  });

  window.addEventListener("online", catchUp);
  setInterval(catchUp, RETRY_MS);
  setInterval(refresh, FRESH_MS);

  async function catchUp() {
    if (!drafts().some((draft) => !draft.refused)) return;
    if (await sendAll()) await refresh();
  }

  let touchedAt = Date.now();
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { touchedAt = Date.now(); });

  async function refresh() {
    if (document.hidden || Date.now() - touchedAt > PRESENT_MS) return;
    const page = await load(`/desk?site=${form.elements.site.value}`);
    if (!page) return;
    take(page, ["today"]);
    takeChoices(page);
  }

  const room = document.getElementById("waiting-room");

  // One after the other: two people who arrive together are two.
  let moving = Promise.resolve();

  room.addEventListener("submit", (event) => {
    event.preventDefault();
    const sent = event.target;
    delete sent.dataset.sent;
    const data = new URLSearchParams(new FormData(sent, event.submitter));
    if (data.get("action") === "arrived") data.set("key", newKey());
    moving = moving.then(() => move(data));
  });

  async function move(data) {
    let answer;
    try {
      answer = await fetch("/desk/waiting", { method: "POST", body: data, signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch {
      tell(words.noRoom, [], "fault");
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("waiting-room");
    if (!answer.ok || !fresh) {
      tell(words.failed, [], "fault");
      return;
    }
    showRoom(fresh.innerHTML);
    const refused = page.querySelector("main > .notice[role=status]:not([data-done])");
    // Whoever waits again is not the one whose visit is being entered.
    const isBack = data.get("action") === "undone" && $("[name=arrival]")?.value === data.get("arrival");
    if (refused) tell(refused.textContent, [], "fault");
    else if (data.get("action") === "received" || isBack) take(page, ["receiving", "joining"]);
    // Whoever was called stands at the counter: the next thing is what they ask for.
    if (!refused && data.get("action") === "received" && isUntouched()) $("[name=category]").focus();
    const said = [document.getElementById("receiving").textContent, room.querySelector(".standing").textContent];
    const done = page.querySelector("main > .notice[data-done]");
    if (done) said.unshift(done.textContent);
    say(refused ? refused.textContent : said.join(" "));
  }

  function showRoom(html) {
    const place = [...room.querySelectorAll("button")].indexOf(document.activeElement);
    room.innerHTML = html;
    if (place < 0) return;
    const buttons = room.querySelectorAll("button");
    buttons[Math.min(place, buttons.length - 1)].focus({ preventScroll: true });
  }

  // What a colleague did shows here too; the browser connects again by itself.
  new EventSource(room.dataset.stream).addEventListener("room", (event) => showRoom(event.data));

  tellWaiting();
  catchUp();
})();
