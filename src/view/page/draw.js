// SPDX-License-Identifier: Apache-2.0
// What the server says, as elements.

// ---- load lines ----

const PARTS = [
  ["booked", "booked by pods"],
  ["foreign", "used by others"],
  ["floating", "perhaps taken: pods whose card is not known yet"],
  ["free", "free"],
  ["out", "on cards out of service"],
  ["reserve", "reserve"],
];

function percent(part, total) {
  return `${(100 * Math.min(1, Math.max(0, part / total))).toFixed(3)}%`;
}

// Parts that are more than the whole together are cut, in their order.
function shares(load) {
  let left = load.total;
  const floating = Math.min(load.floating || 0, load.free);
  const sizes = { ...load, floating, free: load.free - floating };
  return PARTS.map(([name]) => {
    const size = Math.min(left, sizes[name] || 0);
    left -= size;
    return [name, size];
  });
}

function describe(load) {
  const words = [`${bytes(load.free)} free of ${bytes(load.line)}`, `${bytes(load.booked)} booked`];
  if (load.used !== undefined) words.push(`${bytes(load.used)} measured`);
  if (load.foreign) words.push(`${bytes(load.foreign)} used by others`);
  if (load.reserve) words.push(`${bytes(load.reserve)} in reserve`);
  if (load.floating) words.push(`${bytes(load.floating)} perhaps taken`);
  if (load.out) words.push(`${bytes(load.out)} out of service`);
  if (load.over) words.push(`${bytes(load.over)} over the line`);
  return words.join(", ");
}

// A card's memory from left to right, its line, and up to where it is in use.
function bar(load, extra) {
  if (!load.total) return null;
  return h("div", { class: `bar ${extra || ""}${load.over ? " over" : ""}`, role: "img", "aria-label": describe(load) },
    h("div", { class: "parts" }, shares(load).map(([name, size]) =>
      size > 0 && h("span", { class: `part ${name}`, style: { width: percent(size, load.total) } }))),
    h("span", { class: "line", style: { left: percent(load.line, load.total) } }),
    load.used !== undefined && h("span", { class: "used", style: { left: percent(load.used, load.total) } }));
}

// The same from the bottom up, for many cards side by side; the text beside it says the numbers.
function column(card) {
  const parts = shares(card);
  return h("span", { class: `column${card.over ? " over" : ""}${card.trouble ? " trouble" : ""}`, title: `card ${card.index}: ${card.trouble || describe(card)}` },
    card.total > 0 && parts.map(([name, size]) =>
      size > 0 && h("span", { class: `part ${name}`, style: { height: percent(size, card.total) } })));
}

// ---- the cluster ----

function stat(name, value, note, kind, only) {
  const inside = [h("dt", null, name), h("dd", null, value, note && h("small", null, note))];
  return h("div", { class: `stat ${kind || ""}` }, inside,
    only && h("button", { type: "button", class: "show", "data-do": "only", "data-only": only }, "show", h("span", { class: "hidden" }, ` nodes: ${name}`)));
}

function drawSums(data) {
  const sums = data.sums;
  const bad = (count) => (count ? "bad" : "");
  return [
    h("div", { class: "headline" },
      h("p", { class: "big" }, h("strong", null, bytes(sums.free)), " free of ", h("span", null, bytes(sums.line))),
      h("p", { class: "scope" }, `${plural(sums.cards, "card", "cards")} on ${plural(sums.gpuNodes, "node", "nodes")}`,
        sums.nodes > sums.gpuNodes && `, ${number(sums.nodes - sums.gpuNodes)} without`)),
    bar(sums, "wide"),
    legend(sums),
    h("dl", { class: "stats" },
      stat("Booked", bytes(sums.booked), plural(data.pods, "GPU pod", "GPU pods")),
      stat("Measured", sums.measured ? bytes(sums.used) : "–", sums.measured === sums.cards ? "in use" : `on ${number(sums.measured || 0)} of ${plural(sums.cards, "card", "cards")}`),
      stat("Largest free", bytes(sums.largest), sums.largestNode ? `on ${sums.largestNode}` : "on no card"),
      stat("Waiting", number(data.waiting.all), data.waiting.all === 1 ? "pod" : "pods", data.waiting.all ? "warn" : ""),
      stat("Over the line", number(sums.over || 0), sums.over === 1 ? "card" : "cards", bad(sums.over), sums.over && "over"),
      stat("Out of service", number(sums.outOfService || 0), sums.outOfService === 1 ? "card" : "cards", sums.outOfService ? "warn" : "", sums.outOfService && "trouble"),
      (sums.stale || sums.unusable) && stat("Reports", sums.stale ? `${number(sums.stale)} stale` : `${number(sums.unusable)} unreadable`,
        sums.stale && sums.unusable ? `${number(sums.unusable)} unreadable` : "of nodes", "warn", "trouble")),
  ];
}

function legend(load) {
  const item = (name, text) => h("li", null, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), text);
  return h("ul", { class: "legend" },
    item("part booked", load ? `booked ${bytes(load.booked)}` : "booked: what pods hold"),
    item("part foreign", load ? `others ${bytes(load.foreign)}` : "in use by others than pods"),
    (!load || load.floating) && item("part floating", "perhaps taken, by pods whose card is not known yet"),
    item("part free", load ? `free ${bytes(load.free)}` : "free: what a pod can still ask for"),
    (!load || load.out) && item("part out", load ? `out of service ${bytes(load.out)}` : "on cards out of service"),
    item("part reserve", load ? `reserve ${bytes(load.reserve)}` : "reserve: kept back"),
    item("line", "the line"),
    item("used", "measured"));
}

// ---- waiting pods ----

function wantOf(pod) {
  const each = pod.cards > 1 ? ` on each of ${pod.cards}` : " of";
  const kind = pod.instance ? `${pod.instance} instance` : `${pod.vendor || "GPU"} card`;
  const article = pod.cards > 1 ? `${kind}s` : `${/^(NVIDIA|AMD|Intel)/.test(kind) ? "an" : "a"} ${kind}`;
  return `${pod.want}${each} ${article}`;
}

function drawReasons(pod, sums) {
  if (pod.refusal) return h("p", { class: "why bad" }, pod.refusal);
  if (pod.fits) {
    const more = pod.fitting > 1 ? ` and ${plural(pod.fitting - 1, "other node", "other nodes")}` : "";
    return h("p", { class: "why good" }, pod.asked ? `VRAM is free on ${pod.fits}${more} by now: its scheduler tries it again.`
      : `VRAM is free on ${pod.fits}${more}. No scheduler has asked here yet.`);
  }
  if (!sums.gpuNodes) return h("p", { class: "why" }, "No node with a GPU is known.");
  return h("ul", { class: "why" }, pod.reasons.map((reason) =>
    h("li", null, h("span", { class: "times" }, plural(reason.nodes, "node", "nodes")), reason.text)));
}

function drawWaiter(pod, sums, now) {
  const asked = pod.since ? `for ${duration((now - pod.since) / 1000)}` : pod.asked ? "" : "not asked about yet";
  return h("li", { class: "waiter", "data-key": pod.uid },
    h("div", { class: "who" },
      h("h3", null, h("span", { class: "home" }, `${pod.namespace}/`), pod.name),
      h("p", { class: "want" }, wantOf(pod)),
      h("p", { class: "since" }, asked, pod.priority && ` · priority ${pod.priority}`, pod.nominated && ` · nominated to ${pod.nominated}`)),
    h("div", { class: "because" },
      drawReasons(pod, sums),
      pod.closest && h("p", { class: "closest" }, h("span", { class: "label" }, "Closest"),
        h("button", { type: "button", class: "link", "data-do": "find", "data-find": pod.closest }, pod.closest),
        pod.missing && h("span", { class: "missing" }, `${bytes(pod.missing)} missing`)),
      pod.note && h("details", null, h("summary", null, "What is in the way"), h("p", null, pod.note))));
}

function drawWaiting(data, now) {
  const waiting = data.waiting;
  if (!waiting.all) return [h("p", { class: "empty" }, "No pod waits for a card.")];
  if (!waiting.count) return [h("p", { class: "empty" }, `None of the ${plural(waiting.all, "waiting pod", "waiting pods")} has that in its name.`)];
  return [
    h("ul", { class: "waiters" }, waiting.list.map((pod) => drawWaiter(pod, data.sums, now))),
    pager(waiting, "waiting", "pods", "below"),
  ];
}

// ---- nodes and cards ----

function badge(text, kind, title) {
  return h("span", { class: `badge ${kind || ""}`, title }, text);
}

const GUARANTEES = {
  exact: "a pod gets the card that was booked",
  pinned: "Plimsoll's choice of the card overrides the device plugin's",
  conservative: "the device plugin picks the card, so a pod comes only where any of them has room",
  counted: "whole devices, counted by the kubelet",
};

function drawBadges(node) {
  return h("span", { class: "badges" },
    node.unusable && badge("unreadable", "bad"),
    node.stale && badge("stale report", "warn", "nobody measures now: the last numbers are shown"),
    node.report === "none" && badge("not measured", "quiet"),
    node.report === "free" && badge("free VRAM published", "quiet"),
    node.mps && badge("MPS", "quiet", "a client gets at most its share of a card"),
    GUARANTEES[node.guarantee] && badge(node.guarantee, "quiet", GUARANTEES[node.guarantee]),
    node.holds > 0 && badge(plural(node.holds, "soft hold", "soft holds"), "quiet", "places kept for pods about to be bound"));
}

function drawPod(pod) {
  const words = [];
  if (pod.claimed !== undefined) words.push(`${bytes(pod.claimed)} claimed`);
  else if (pod.nominated) words.push("nominated");
  else if (pod.vram !== undefined) words.push(`${bytes(pod.vram)} on ${pod.cards > 1 ? `${pod.cards} of the cards` : "one of the cards"}`);
  else words.push("unclaimed");
  if (pod.used) words.push(`uses ${bytes(pod.used)}`);
  if (pod.leaving) words.push("leaving");
  return h("li", { "data-key": `${pod.namespace}/${pod.name}`, class: pod.over ? "over" : null },
    h("span", { class: "pod" }, h("span", { class: "home" }, `${pod.namespace}/`), pod.name),
    h("span", { class: "holds" }, words.join(", "), pod.over && h("span", { class: "flag" }, "over its claim")),
    pod.ignored && h("span", { class: "ignored" }, `Its claim does not count: ${pod.ignored}`));
}

function drawPods(pods, more, label) {
  return pods && h("ul", { class: "pods", "aria-label": label }, pods.map(drawPod),
    more && h("li", { class: "more" }, `and ${plural(more, "pod", "pods")} more`));
}

// As Events name it: a UUID's first eight digits are enough to find it.
function shortId(id) {
  return /^GPU-/.test(id) && id.length > 13 ? `${id.slice(0, 12)}…` : id;
}

function drawCard(card) {
  const state = card.trouble ? h("span", { class: "state bad" }, card.trouble)
    : h("span", { class: "state" }, h("b", null, bytes(card.free)), ` free of ${bytes(card.line)}`);
  const facts = [`${bytes(card.booked)} booked`];
  if (card.used !== undefined) facts.push(`${bytes(card.used)} measured`);
  if (card.foreign) facts.push(`${bytes(card.foreign)} others`);
  if (card.floating) facts.push(`${bytes(card.floating)} perhaps`);
  if (card.replicas) facts.push(`${card.taken || 0} of ${card.replicas} replicas`);
  if (card.instances) facts.push(plural(card.instances, "MIG instance", "MIG instances"));
  if (card.unified) facts.push("shared with the host");
  if (/\D/.test(card.id)) facts.push(shortId(card.id));
  return h("li", { class: `card${card.over ? " over" : ""}${card.trouble ? " trouble" : ""}`, "data-key": card.id },
    h("div", { class: "title" }, h("span", { class: "index" }, String(card.index < 0 ? "–" : card.index)),
      h("span", { class: "product", title: `${card.product || ""} ${card.id}` }, (card.product || card.id).replace(/^NVIDIA (GeForce )?|^AMD |^Intel /, "")), state),
    bar(card) || h("p", { class: "nobar" }, "How much memory it has is not known."),
    card.over && h("p", { class: "alarm" }, `${bytes(card.over)} over the line`),
    card.total > 0 && h("p", { class: "facts" }, facts.join(" · ")),
    drawPods(card.pods, card.morePods, `Pods on card ${card.index}`));
}

function largestFree(node) {
  return node.cards.reduce((most, card) => (card.trouble ? most : Math.max(most, card.free)), 0);
}

function drawNode(node, open) {
  const id = `cards-of-${node.name}`;
  return h("section", { class: `node${open && node.cards.length < 2 && !node.floatingPods ? " small" : ""}`, "data-key": node.name },
    h("h3", null, h("button", { type: "button", class: "fold", "data-do": "fold", "data-node": node.name, "aria-expanded": String(open), "aria-controls": id },
      h("span", { class: "chevron", "aria-hidden": "true" }), h("span", { class: "name" }, node.name), drawBadges(node),
      h("span", { class: "columns", "aria-hidden": "true" }, node.cards.map(column)),
      h("span", { class: "most" }, node.unusable ? "takes no pods" : [`${bytes(largestFree(node))} free`, h("span", { class: "hidden" }, " on one card")]))),
    node.unusable && h("p", { class: "unusable" }, `No new GPU pods: ${node.unusable}`),
    h("div", { class: "inside", id, hidden: !open },
      open && [h("ul", { class: "cards" }, node.cards.map(drawCard)),
        node.floatingPods && h("div", { class: "adrift" }, h("h4", null, "On one of these cards"), drawPods(node.floatingPods, node.moreFloatingPods, `Pods of ${node.name} whose card is not known yet`))]));
}

function pager(part, what, noun, where) {
  const pages = Math.ceil(part.count / part.size);
  if (pages < 2) return null;
  const first = part.page * part.size + 1;
  const last = Math.min(part.count, first + part.size - 1);
  const step = (to, text, label) => h("button", { type: "button", "data-do": "page", "data-what": what, "data-to": to, disabled: to < 0 || to >= pages, "aria-label": label }, text);
  return h("nav", { class: "pager", "aria-label": `Pages of ${noun}, ${where}`, "data-key": `pager-${where}` },
    step(part.page - 1, "Previous", `Previous page of ${noun}`),
    h("p", null, `${number(first)}–${number(last)} of ${number(part.count)} ${noun}`),
    step(part.page + 1, "Next", `Next page of ${noun}`));
}

function drawNodes(data, isOpen) {
  const nodes = data.nodes;
  if (!nodes.count) {
    return [h("p", { class: "empty" }, data.sums.gpuNodes ? "No node is like that." : "No node with a GPU is known.")];
  }
  return [
    pager(nodes, "page", "nodes", "above"),
    h("div", { class: "nodes", "data-key": "nodes" }, nodes.list.map((node) => drawNode(node, isOpen(node.name)))),
    pager(nodes, "page", "nodes", "below"),
  ];
}
