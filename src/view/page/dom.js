// SPDX-License-Identifier: Apache-2.0
// Elements, and numbers as people read them. What comes from the cluster becomes text nodes and
// attribute values, never markup.
"use strict";

const $ = (id) => document.getElementById(id);

// h("p", {class: "x", "data-key": k, style: {width: "3%"}}, "text", element, null, [more])
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "style") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function morphAttributes(from, to) {
  for (const name of from.getAttributeNames()) {
    // What a person has opened stays open.
    if (name !== "style" && name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const name of to.getAttributeNames()) {
    const value = to.getAttribute(name);
    // A style attribute would be against the page's policy; a style property is not.
    if (name !== "style" && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
}

// Makes `from` look like `to`. What stays is the same element as before, with its focus.
function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  morphAttributes(from, to);
  morphChildren(from, [...to.childNodes]);
}

function morphChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at = parent.firstChild;
  for (const next of wanted) {
    const key = keyOf(next);
    const known = key !== null ? keyed.get(key) : at;
    keyed.delete(key);
    if (known && alike(known, next)) {
      if (known === at) at = at.nextSibling;
      else parent.insertBefore(known, at);
      morph(known, next);
    } else {
      parent.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// ---- numbers ----

// As the server writes quantities: a binary suffix, one decimal at most, never rounded up.
function bytes(count) {
  const units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const tenths = Math.floor(value * 10 + 1e-9) / 10;
  return `${unit > 0 ? tenths : Math.floor(value)}${units[unit]}`;
}

function number(value) {
  return value.toLocaleString("en-US");
}

function plural(count, one, many) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}
