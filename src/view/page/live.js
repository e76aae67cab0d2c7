// SPDX-License-Identifier: Apache-2.0
// Asks the server again and again, and does what people want.

const EVERY_MS = 2000;
const LONGEST_MS = 30000;
const PATIENCE_MS = 15000;
// So many cards are drawn without having been opened.
const OPEN_CARDS = 64;

const state = {
  asked: { search: "", only: "all", order: "name", page: 0, waiting: 0 },
  data: null, // the last answer
  tag: null, // its revision
  seenAt: 0, // when the server was last heard
  changedAt: 0,
  failures: 0,
  trouble: "", // why there is no newer answer
  nextAt: 0,
  paused: false,
  opened: new Map(), // by name: what a person has opened or closed
  openAll: null, // true, false, or null: all while they are few
};

let timer = 0;
let asking = null;

// ---- what is shown ----

function isOpen(name) {
  if (state.opened.has(name)) return state.opened.get(name);
  if (state.openAll !== null) return state.openAll;
  return state.data.nodes.list.reduce((sum, node) => sum + node.cards.length, 0) <= OPEN_CARDS && state.data.nodes.count === state.data.nodes.list.length;
}

// How long they have waited grows while nothing else changes.
function drawWaiters() {
  const now = state.data.now + Date.now() - state.changedAt;
  morphChildren($("waiting-list"), drawWaiting(state.data, now).filter(Boolean));
}

function draw() {
  const data = state.data;
  if (!data) return;
  morphChildren($("sums"), drawSums(data).filter(Boolean));
  drawWaiters();
  morphChildren($("list"), drawNodes(data, isOpen).filter(Boolean));
  $("summary").setAttribute("aria-busy", "false");
  $("version").textContent = `Plimsoll ${data.version}`;
  const open = data.nodes.list.some((node) => isOpen(node.name));
  $("expand").textContent = open ? "Close all" : "Open all";
  document.title = `${data.waiting.all ? `${data.waiting.all} waiting · ` : ""}${bytes(data.sums.free)} free · Plimsoll`;
}

function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour12: false });
}

// What is wrong is said once; how old the picture is goes on counting, and is not read out again.
function drawBanners() {
  const banners = [];
  if (state.trouble) {
    const age = state.seenAt ? `You see the cluster as it was at ${clock(state.seenAt)}, ` : "There is nothing to show yet.";
    banners.push(h("div", { class: "banner bad", "data-key": "gone" },
      h("p", null, h("strong", null, state.trouble), " ", age,
        state.seenAt > 0 && h("span", { id: "age", "aria-live": "off" }, `${duration((Date.now() - state.seenAt) / 1000)} ago.`)),
      h("p", { class: "again", "aria-live": "off" }, h("span", { id: "again" }, again()), h("button", { type: "button", "data-do": "now" }, "Try now"))));
  }
  if (state.data && state.data.trouble) {
    banners.push(h("div", { class: "banner warn", "data-key": "old" }, h("p", null, h("strong", null, "The picture may not be the cluster as it is: "), state.data.trouble, ".")));
  }
  morphChildren($("banners"), banners);
}

function again() {
  return asking ? "Asking …" : `Next try in ${duration((state.nextAt - Date.now()) / 1000)}. `;
}

function drawLive() {
  const words = state.trouble ? ["gone", "no answer"] : state.paused ? ["paused", `paused at ${clock(state.seenAt)}`] : state.data ? ["on", "live"] : ["", "loading"];
  if ($("live").dataset.is !== words[0]) $("live").dataset.is = words[0];
  if ($("live-text").textContent !== words[1]) $("live-text").textContent = words[1];
  $("live").title = state.changedAt ? `last change seen at ${clock(state.changedAt)}` : "";
}

function tick() {
  const age = $("age");
  if (age) age.textContent = `${duration((Date.now() - state.seenAt) / 1000)} ago.`;
  if ($("again")) $("again").textContent = again();
}

// ---- asking ----

function address() {
  const query = new URLSearchParams();
  const usual = { search: "", only: "all", order: "name", page: 0, waiting: 0 };
  for (const [key, value] of Object.entries(state.asked)) {
    if (value !== usual[key]) query.set(key, value);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

async function fetchData(signal) {
  const headers = state.tag && state.tag.of === address() ? { "If-None-Match": state.tag.is } : {};
  const of = address();
  const answer = await fetch(`page.json${of}`, { headers, signal, cache: "no-store", credentials: "same-origin" });
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Error(`The server says: ${(await answer.text()).trim() || answer.status}.`);
  const data = await answer.json();
  state.tag = { of, is: answer.headers.get("ETag") };
  return data;
}

function reasonOf(error) {
  if (error.message.startsWith("The server says")) return error.message;
  return error.name === "AbortError" ? "The server takes too long to answer." : "The server does not answer.";
}

// A later question makes the answer to an earlier one worthless.
async function ask() {
  clearTimeout(timer);
  if (asking) asking.abort();
  const mine = new AbortController();
  asking = mine;
  const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
  try {
    const data = await fetchData(mine.signal);
    if (asking !== mine) return;
    state.seenAt = Date.now();
    state.failures = 0;
    state.trouble = "";
    if (data) {
      state.data = data;
      state.changedAt = state.seenAt;
      state.asked.page = data.nodes.page;
      state.asked.waiting = data.waiting.page;
    }
    if (data) draw();
    else drawWaiters();
  } catch (error) {
    if (asking !== mine) return;
    state.failures++;
    state.trouble = reasonOf(error);
  } finally {
    clearTimeout(patience);
    if (asking === mine) {
      asking = null;
      plan();
    }
  }
}

function plan() {
  clearTimeout(timer);
  const wait = Math.min(LONGEST_MS, EVERY_MS * 2 ** Math.min(state.failures, 5));
  state.nextAt = Date.now() + wait;
  if (!state.paused && !document.hidden) timer = setTimeout(ask, wait);
  drawBanners();
  drawLive();
}

function askAnew(changes) {
  Object.assign(state.asked, changes);
  history.replaceState(null, "", address() ? `#${address().slice(1)}` : location.pathname + location.search);
  ask();
}

// ---- what people do ----

function go(to) {
  $(to).scrollIntoView({ block: "start" });
  $(to).focus({ preventScroll: true });
}

function setPaused(paused) {
  state.paused = paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (paused) plan();
  else ask();
}

function turnPage(what, to) {
  askAnew({ [what]: to });
  go(what === "page" ? "nodes" : "waiting");
}

function turnBy(step) {
  const nodes = state.data && state.data.nodes;
  if (!nodes) return;
  const to = nodes.page + step;
  if (to >= 0 && to < Math.ceil(nodes.count / nodes.size)) turnPage("page", to);
}

function fold(name) {
  state.opened.set(name, !isOpen(name));
  draw();
}

function foldAll() {
  if (!state.data) return;
  state.openAll = !state.data.nodes.list.some((node) => isOpen(node.name));
  state.opened.clear();
  draw();
}

function chooseOnly(only, more) {
  document.querySelector(`input[name=only][value=${only}]`).checked = true;
  askAnew({ only, page: 0, ...more });
}

function stepNode(step) {
  const folds = [...document.querySelectorAll(".fold")];
  const at = folds.findIndex((one) => one.closest(".node").contains(document.activeElement));
  const next = folds[at < 0 ? (step > 0 ? 0 : folds.length - 1) : at + step];
  if (next) {
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

const actions = {
  pause: () => setPaused(!state.paused),
  help: () => $("help").showModal(),
  now: () => ask(),
  expand: foldAll,
  fold: (button) => fold(button.dataset.node),
  only: (button) => {
    chooseOnly(button.dataset.only);
    go("nodes");
  },
  find: (button) => {
    $("search").value = button.dataset.find;
    chooseOnly("all", { search: button.dataset.find });
    go("nodes");
  },
  page: (button) => turnPage(button.dataset.what, Number(button.dataset.to)),
};

const keys = {
  "/": () => $("search").focus(),
  j: () => stepNode(1),
  k: () => stepNode(-1),
  n: () => turnBy(1),
  p: () => turnBy(-1),
  w: () => go("waiting"),
  c: () => go("nodes"),
  e: foldAll,
  ".": () => setPaused(!state.paused),
  "?": () => $("help").showModal(),
};

function onKey(event) {
  const search = event.target === $("search");
  if (event.key === "Escape" && search) {
    if ($("search").value) {
      $("search").value = "";
      askAnew({ search: "", page: 0, waiting: 0 });
    } else {
      $("search").blur();
    }
    return;
  }
  const typing = search || event.target.tagName === "SELECT" || $("help").open;
  if (typing || !$("keys-on").checked || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

let typed = 0;
function onSearch() {
  clearTimeout(typed);
  typed = setTimeout(() => askAnew({ search: $("search").value.trim(), page: 0, waiting: 0 }), 200);
}

// ---- from one visit to the next ----

function readAddress() {
  const query = new URLSearchParams(location.hash.slice(1));
  const asked = state.asked;
  asked.search = (query.get("search") || "").slice(0, 253);
  if (["over", "trouble"].includes(query.get("only"))) asked.only = query.get("only");
  if (["free", "load"].includes(query.get("order"))) asked.order = query.get("order");
  for (const key of ["page", "waiting"]) {
    const value = Number(query.get(key));
    if (Number.isSafeInteger(value) && value > 0) asked[key] = value;
  }
  $("search").value = asked.search;
  $("order").value = asked.order;
  document.querySelector(`input[name=only][value=${asked.only}]`).checked = true;
}

// Where the browser keeps nothing for this page, the keys are on.
function keepKeys(write) {
  try {
    if (write) localStorage.setItem("plimsoll-keys", $("keys-on").checked ? "on" : "off");
    else $("keys-on").checked = localStorage.getItem("plimsoll-keys") !== "off";
  } catch (error) {
    $("keys-on").checked = $("keys-on").checked || !write;
  }
}

function start() {
  readAddress();
  keepKeys(false);
  $("legend").append(legend(null));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button && !button.disabled) actions[button.dataset.do](button);
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => (document.hidden || state.paused ? plan() : ask()));
  $("search").addEventListener("input", onSearch);
  $("tools").addEventListener("submit", (event) => {
    event.preventDefault();
    onSearch();
  });
  $("only").addEventListener("change", (event) => chooseOnly(event.target.value));
  $("order").addEventListener("change", (event) => askAnew({ order: event.target.value, page: 0 }));
  $("keys-on").addEventListener("change", () => keepKeys(true));
  setInterval(tick, 1000);
  ask();
}

start();
