// Text and its entities become nodes. Offsets are UTF-16 units, as in JavaScript's own strings.

import { el } from "/page/dom.js";
import { locale } from "/page/store.js";

const TAGS = {
  bold: "b",
  italic: "i",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SAFE_LINK = /^(https?|mailto|tg):/i;

export function rich(text, entities, onCommand) {
  const sorted = [...(entities || [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, 0, text.length, sorted, onCommand);
}

// What contains is built first; what it contains is cut to its bounds.
function build(text, from, to, entities, onCommand) {
  const out = document.createDocumentFragment();
  let at = from;
  for (let i = 0; i < entities.length; ) {
    const entity = entities[i++];
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    const inner = [];
    while (i < entities.length && entities[i].offset < end) inner.push(entities[i++]);
    if (end <= start) continue;
    out.append(text.slice(at, start));
    const node = shell(entity, text.slice(start, end), onCommand);
    if (!node.childNodes.length) node.append(build(text, start, end, inner, onCommand));
    out.append(node);
    // A block ends its line by itself.
    at = BLOCKS.has(entity.type) && text[end] === "\n" ? end + 1 : end;
  }
  out.append(text.slice(at, to));
  return out;
}

export function shell(entity, text, onCommand) {
  switch (entity.type) {
    case "url":
    case "text_link":
      return link(entity.url || text);
    case "bot_command":
      return el("button", { class: "command", type: "button", onclick: () => onCommand(text) });
    case "spoiler":
      return spoiler();
    case "expandable_blockquote":
      return expandable();
    case "date_time":
      return moment(entity, text);
    case "pre":
      return el("pre", { "data-language": entity.language });
    case "mention":
    case "hashtag":
    case "cashtag":
      return el("span", { class: "tag" });
    default:
      return el(TAGS[entity.type] || "span");
  }
}

function link(url) {
  if (!SAFE_LINK.test(url)) return el("span", { class: "tag" });
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" });
}

function spoiler() {
  const reveal = (event) => {
    event.currentTarget.classList.add("open");
    event.stopPropagation();
  };
  return el("span", { class: "spoiler", onclick: reveal });
}

function expandable() {
  const toggle = (event) => event.currentTarget.classList.toggle("open");
  return el("blockquote", { class: "expandable", onclick: toggle });
}

// The reader's own zone and language; the bot's text stays when there is no format.
function moment(entity, text) {
  const node = el("time", {
    "data-unix": entity.unix_time,
    "data-format": entity.date_time_format || "",
    title: new Date(entity.unix_time * 1000).toString(),
  });
  node.append(formatMoment(entity.unix_time, entity.date_time_format) || text);
  return node;
}

export function formatMoment(unix, format) {
  if (!format) return "";
  const date = new Date(unix * 1000);
  if (format.includes("r")) return relative(unix - Date.now() / 1000);
  const options = {};
  if (/w/i.test(format)) options.weekday = "long";
  if (format.includes("t")) options.timeStyle = "short";
  if (format.includes("T")) options.timeStyle = "medium";
  if (format.includes("d")) options.dateStyle = "short";
  if (format.includes("D")) options.dateStyle = "long";
  // Intl refuses a weekday beside a style: it is put in front.
  const { weekday, ...styles } = options;
  const parts = [];
  if (weekday) parts.push(date.toLocaleDateString(locale(), { weekday }));
  if (Object.keys(styles).length) parts.push(new Intl.DateTimeFormat(locale(), styles).format(date));
  return parts.join(", ");
}

function relative(seconds) {
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 60) return words.format(Math.round(seconds), "second");
  if (size < 3600) return words.format(Math.round(seconds / 60), "minute");
  if (size < 86400) return words.format(Math.round(seconds / 3600), "hour");
  return words.format(Math.round(seconds / 86400), "day");
}
