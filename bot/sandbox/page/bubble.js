// One message: its bubble, what it quotes, its picture, and the buttons under it.

import { avatar, el, hue, icon } from "/page/dom.js";
import { author, isMine, origin, serviceText } from "/page/people.js";
import { plain, richBlocks } from "/page/richblocks.js";
import { rich } from "/page/richtext.js";
import { locale, store } from "/page/store.js";

const MARKS = { url: "link", login_url: "link", web_app: "app", copy_text: "copy" };

export function snippet(message) {
  const text = message.text || message.caption || (message.rich_message && plain(message.rich_message.blocks));
  if (text) return text.replace(/\s+/g, " ").slice(0, 160);
  if (message.photo) return "Photo";
  if (message.document) return message.document.file_name || "File";
  return serviceText(message) || "Message";
}

export function buttonKey(messageId, row, column) {
  return `${store.chat}:${messageId}:${row}:${column}`;
}

// `place` says how it stands among its neighbours: first and last of a row of the same sender.
export function bubble(chat, post, place, actions) {
  const { message } = post;
  if (serviceText(message)) return el("div", { class: "day", "data-mid": message.message_id }, serviceText(message));
  const mine = isMine(message);
  const group = chat.info.type !== "private";
  const keyboard = inlineKeyboard(message, actions);
  const body = el("div", { class: bodyClass(message) });
  if (group && !mine && place.first) body.append(sender(message));
  if (message.forward_origin) body.append(forwarded(message));
  if (message.message_thread_id) body.append(topic(chat, message));
  if (message.reply_to_message) body.append(quote(message.reply_to_message, actions));
  if (message.photo) body.append(picture(message, actions));
  if (message.document) body.append(attachment(message));
  body.append(words(post, actions));
  const stack = el("div", { class: "stack" }, body, keyboard);
  const row = el("div", {
    class: `row ${mine ? "mine" : "theirs"} ${place.first ? "first" : ""} ${place.last ? "last" : ""}`,
    "data-testid": "message",
    "data-mid": message.message_id,
    "data-from": message.from?.is_bot ? "bot" : message.from?.id,
    oncontextmenu: (event) => actions.menu(event, post),
    ondblclick: (event) => event.target.closest("button, a") || actions.reply(message.message_id),
  });
  if (group && !mine) row.append(place.last ? face(message) : el("div", { class: "face" }));
  const again = el(
    "button",
    { class: "icon again", "aria-label": "Reply", onclick: () => actions.reply(message.message_id) },
    icon("reply"),
  );
  row.append(stack, again);
  return row;
}

function bodyClass(message) {
  const bare = message.photo && !message.caption;
  return `bubble${message.photo ? " media" : ""}${bare ? " bare" : ""}`;
}

function sender(message) {
  const { id, name } = author(message);
  const role = message.sender_chat?.id === message.chat.id ? el("span", { class: "role" }, "admin") : null;
  return el("div", { class: `sender ${hue(id)}` }, el("span", { dir: "auto" }, name), role);
}

function forwarded(message) {
  return el("div", { class: "forwarded" }, "Forwarded from ", el("b", { dir: "auto" }, origin(message)));
}

function face(message) {
  const { id, name } = author(message);
  const node = avatar(name, id);
  node.classList.add("face");
  return node;
}

function topic(chat, message) {
  const name = (chat.topics || {})[message.message_thread_id] || "Topic";
  return el("div", { class: "topic", dir: "auto" }, `# ${name}`);
}

function quote(quoted, actions) {
  const { id, name } = author(quoted);
  return el(
    "button",
    { class: `quote ${hue(id)}`, onclick: () => actions.jump(quoted.message_id) },
    quoted.photo ? el("img", { src: `/blob/${quoted.photo[0].file_id}`, alt: "" }) : null,
    el(
      "span",
      {},
      el("b", { dir: "auto" }, name),
      el("span", { class: "clip", dir: "auto" }, snippet(quoted)),
    ),
  );
}

function picture(message, actions) {
  const size = message.photo[message.photo.length - 1];
  const source = `/blob/${size.file_id}`;
  const image = el("img", { src: source, width: size.width, height: size.height, alt: "Photo" });
  const open = (event) => {
    const frame = event.currentTarget;
    if (frame.classList.contains("hidden-media")) frame.classList.remove("hidden-media");
    else actions.view(source);
  };
  const veil = message.has_media_spoiler ? " hidden-media" : "";
  return el("button", { class: `photo${veil}`, "aria-label": "Open the photo", onclick: open }, image);
}

function attachment(message) {
  const { document: file } = message;
  const size = file.file_size > 1 << 20 ? `${(file.file_size / (1 << 20)).toFixed(1)} MB` : null;
  const small = `${Math.max(1, Math.round(file.file_size / 1024))} KB`;
  return el(
    "a",
    { class: "file", href: `/blob/${file.file_id}`, download: file.file_name || "file" },
    el("span", { class: "file-icon" }, icon("file")),
    el("span", {}, el("b", { dir: "auto" }, file.file_name || "File"), el("span", {}, size || small)),
  );
}

function words(post, actions) {
  const { message } = post;
  const text = message.text || message.caption || "";
  const entities = message.entities || message.caption_entities;
  const node = el("div", { class: "text" });
  if (message.rich_message) node.append(richBlocks(message.rich_message, actions.command));
  if (text) node.append(el("span", { class: "content", dir: "auto" }, rich(text, entities, actions.command)));
  const chips = reactionChips(post, actions);
  if (chips.length) node.append(el("div", { class: "reactions" }, ...chips, meta(post)));
  else node.append(meta(post));
  return node;
}

// Whose reactions they are is not shown, only how many; one's own is marked and can be taken away.
function reactionChips(post, actions) {
  const counts = new Map();
  for (const list of [post.reactions, ...Object.values(post.people)])
    for (const { emoji = "★" } of list) counts.set(emoji, (counts.get(emoji) || 0) + 1);
  const own = (post.people[store.me] || [])[0]?.emoji;
  const chip = ([emoji, count]) =>
    el(
      "button",
      {
        class: `reaction${emoji === own ? " own" : ""}`,
        "data-reaction": emoji,
        onclick: () => actions.react(post, emoji === own ? "" : emoji),
      },
      count > 1 ? `${emoji} ${count}` : emoji,
    );
  return [...counts].map(chip);
}

function meta(post) {
  const { message, silent } = post;
  const time = new Date(message.date * 1000);
  const clock = time.toLocaleTimeString(locale(), { hour: "numeric", minute: "2-digit" });
  const mark = el("span", { class: "silent", title: "Sent without sound" }, icon("silent"));
  return el(
    "span",
    { class: "meta", title: time.toLocaleString(locale()) },
    silent ? mark : null,
    message.edit_date ? el("span", { class: "edited" }, "edited ") : null,
    clock,
  );
}

function inlineKeyboard(message, actions) {
  const rows = (message.reply_markup || {}).inline_keyboard;
  if (!rows) return null;
  const line = (buttons, row) =>
    el("div", { class: "keys" }, ...buttons.map((key, column) => inlineButton(message, key, row, column, actions)));
  return el("div", { class: "keyboard" }, ...rows.map(line));
}

function inlineButton(message, button, row, column, actions) {
  const key = buttonKey(message.message_id, row, column);
  const mark = Object.keys(MARKS).find((kind) => kind in button);
  const node = el(
    "button",
    {
      class: `key ${button.style || ""}`,
      "data-testid": "inline-button",
      "data-label": button.text,
      "data-key": key,
      disabled: "disabled" in button,
      onclick: () => actions.press(message, button, key),
    },
    el("span", { dir: "auto" }, button.text),
  );
  if (mark) node.append(icon(MARKS[mark]));
  return node;
}
