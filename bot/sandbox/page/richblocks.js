// Rich messages: blocks and their texts become nodes. A text is a string, a list of texts, or an
// object that says what its own text is.

import { el } from "/page/dom.js";
import { shell } from "/page/richtext.js";

const TAGS = { subscript: "sub", superscript: "sup", marked: "mark", mathematical_expression: "code" };
const LINKS = {
  url: (text) => text.url,
  email_address: (text) => `mailto:${text.email_address}`,
};

export function richBlocks(message, onCommand) {
  const nodes = message.blocks.map((block) => node(block, onCommand));
  return el("div", { class: "rich content", dir: message.is_rtl ? "rtl" : "auto" }, ...nodes);
}

// The words alone, for quotes and previews.
export function plain(value) {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(plain).join(" ");
  const parts = [value.summary, value.text, value.expression, value.blocks, value.items, value.cells];
  return parts.filter(Boolean).map(plain).join(" ");
}

function node(block, onCommand) {
  const text = () => inline(block.text, onCommand);
  const inner = () => block.blocks.map((each) => node(each, onCommand));
  switch (block.type) {
    case "heading":
      return el(`h${block.size}`, {}, text());
    case "pre":
      return el("pre", { "data-language": block.language }, text());
    case "footer":
      return el("footer", {}, text());
    case "divider":
      return el("hr");
    case "anchor":
      return el("a", { id: `anchor-${block.name}` });
    case "mathematical_expression":
      return el("pre", {}, block.expression);
    case "list":
      return el("ul", {}, ...block.items.map((item) => listItem(item, onCommand)));
    case "blockquote":
      return el("blockquote", {}, ...inner(), credit(block, onCommand));
    case "expandable_blockquote":
    case "pullquote":
      return el("blockquote", { class: block.type }, text(), credit(block, onCommand));
    case "details":
      return el("details", { open: block.is_open }, el("summary", {}, inline(block.summary, onCommand)), ...inner());
    case "table":
      return table(block, onCommand);
    case "thinking":
      return el("p", { class: "thinking" }, text());
    default:
      return el("p", {}, text());
  }
}

function listItem(item, onCommand) {
  const box = item.has_checkbox ? el("input", { type: "checkbox", checked: item.is_checked, disabled: true }) : null;
  const inner = item.blocks.map((each) => node(each, onCommand));
  return el("li", {}, el("span", { class: "label" }, box || item.label), el("div", {}, ...inner));
}

function table(block, onCommand) {
  const looks = ["bordered", "striped", "compact"].filter((look) => block[`is_${look}`]);
  const cell = ({ text, is_header, colspan, rowspan, align, valign }) =>
    el(
      is_header ? "th" : "td",
      { colspan, rowspan, align, valign },
      inline(text ?? "", onCommand),
    );
  const rows = block.cells.map((row) => el("tr", {}, ...row.map(cell)));
  const caption = block.caption ? el("caption", {}, inline(block.caption, onCommand)) : null;
  return el("div", { class: "sheet" }, el("table", { class: looks.join(" ") }, caption, el("tbody", {}, ...rows)));
}

function credit(block, onCommand) {
  return block.credit ? el("cite", {}, inline(block.credit, onCommand)) : null;
}

function inline(text, onCommand) {
  const out = document.createDocumentFragment();
  if (typeof text === "string") out.append(text);
  else if (Array.isArray(text)) out.append(...text.map((part) => inline(part, onCommand)));
  else out.append(styled(text, onCommand));
  return out;
}

function styled(text, onCommand) {
  const words = text.text ?? text.expression ?? text.alternative_text ?? "";
  const kind = text.type in LINKS ? "text_link" : text.type;
  const entity = { ...text, type: kind, url: LINKS[text.type]?.(text) };
  const shown = text.type in TAGS ? el(TAGS[text.type]) : shell(entity, plain(words), onCommand);
  if (!shown.childNodes.length) shown.append(inline(words, onCommand));
  return shown;
}
