// Makes elements. Text always becomes a text node: nothing a person or a bot wrote is ever markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  back: "M19 12H5m6-7-7 7 7 7",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9l6 6 6-6",
  send: "M4 12 20 4l-5 16-3.5-6.5L4 12z",
  clip: "M20 11l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 16.5a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  calls: "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
  pin: "M9 3h6l-1 6 4 4v2H6v-2l4-4-1-6zM12 15v6",
  link: "M8 16 17 7M10 7h7v7",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  app: "M4 5h16v14H4zM4 9h16",
  silent: "M6 16h12l-1.5-2.5V10a4.5 4.5 0 0 0-9 0v3.5L6 16zM10.5 19h3M4 4l16 16",
  reply: "M10 6 4 12l6 6M4 12h10a6 6 0 0 1 6 6",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.6 5.6l12.8 12.8",
  edit: "M5 19h3L19 8l-3-3L5 16zM14 7l3 3",
  keys: "M4 6h16v12H4zM8 10h.01M12 10h.01M16 10h.01M8 14h8",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
};

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const $ = (id) => document.getElementById(id);

export function show(node, visible) {
  node.hidden = !visible;
}

// One of seven colours for whoever it is, always the same one; ours is blue.
const FIRST_BOT_ID = 100000;

export function hue(id) {
  return id >= FIRST_BOT_ID ? "hue5" : `hue${Math.abs(id) % 7}`;
}

export function avatar(name, id) {
  return el("div", { class: `avatar ${hue(id)}` }, initials(name));
}

export function initials(name) {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] || "")
    .join("")
    .toUpperCase();
}
