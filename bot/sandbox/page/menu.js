// What can be done with one message: react, reply, copy, change one's own.

import { $, el, icon, show } from "/page/dom.js";
import { isMine } from "/page/people.js";
import { current, store } from "/page/store.js";

const REACTIONS = ["👍", "👎", "❤", "🔥", "🎉", "🤔", "👀"];
const LONG_PRESS = 450;
const MARGIN = 8;

let todo = null;

export function setUpMenus(actions) {
  todo = actions;
  const nodes = [$("message-menu"), $("chat-menu")];
  document.addEventListener("click", (event) => nodes.some((node) => node.contains(event.target)) || closeMenus());
  $("who").addEventListener("click", openChatMenu);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus());
  $("scroll").addEventListener("scroll", closeMenus, { passive: true });
  pressLong($("messages"));
}

// Not every phone's browser makes a contextmenu event of a long press.
function pressLong(list) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  list.addEventListener(
    "touchstart",
    (event) => {
      const row = event.target.closest("[data-mid]");
      const { clientX, clientY } = event.touches[0];
      stop();
      const press = () => row.dispatchEvent(new MouseEvent("contextmenu", { clientX, clientY, cancelable: true }));
      if (row && !event.target.closest("button, a")) timer = setTimeout(press, LONG_PRESS);
    },
    { passive: true },
  );
  for (const kind of ["touchend", "touchmove", "touchcancel"]) list.addEventListener(kind, stop, { passive: true });
}

export function closeMenus() {
  show($("message-menu"), false);
  show($("chat-menu"), false);
}

// Blocking is what a person can do with a bot; the next message to it takes it back.
function openChatMenu(event) {
  const chat = current();
  if (chat.info.type !== "private" || !chat.posts.size) return;
  event.stopPropagation();
  const node = $("chat-menu");
  const act = () => done(() => todo.block(!chat.blocked));
  const label = chat.blocked ? "Unblock the bot" : "Block the bot";
  node.replaceChildren(el("button", { class: "option", "data-action": "block", onclick: act }, icon("block"), el("span", {}, label)));
  show(node, node.hidden);
  node.style.left = `${$("who").getBoundingClientRect().left}px`;
  node.style.top = `${$("head").getBoundingClientRect().bottom + 4}px`;
}

export function openMessageMenu(event, post) {
  if (String(getSelection())) return; // the browser's own menu copies what is marked
  event.preventDefault();
  const node = $("message-menu");
  node.replaceChildren(reactionRow(post), ...items(post));
  show(node, true);
  const room = { x: innerWidth - node.offsetWidth - MARGIN, y: innerHeight - node.offsetHeight - MARGIN };
  node.style.left = `${Math.max(MARGIN, Math.min(event.clientX, room.x))}px`;
  node.style.top = `${Math.max(MARGIN, Math.min(event.clientY, room.y))}px`;
}

function reactionRow(post) {
  const own = (post.people[store.me] || [])[0]?.emoji;
  const choose = (emoji) => () => done(() => todo.react(post, emoji === own ? "" : emoji));
  const key = (emoji) =>
    el("button", { class: emoji === own ? "own" : "", "data-react": emoji, "aria-label": `React ${emoji}`, onclick: choose(emoji) }, emoji);
  return el("div", { class: "emoji-row" }, ...REACTIONS.map(key));
}

function items(post) {
  const { message } = post;
  const text = message.text || message.caption;
  const item = (name, sign, label, act) =>
    el("button", { class: "option", "data-action": name, onclick: () => done(act) }, icon(sign), el("span", {}, label));
  return [
    item("reply", "reply", "Reply", () => todo.reply(message.message_id)),
    text ? item("copy", "copy", "Copy text", () => todo.copy(text)) : "",
    isMine(message) && message.text ? item("edit", "edit", "Edit", () => todo.edit(message.message_id)) : "",
  ];
}

function done(act) {
  closeMenus();
  act();
}
