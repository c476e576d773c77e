// What can be done with one message: react, reply, copy, change one's own.

import { $, el, icon, show } from "/page/dom.js";
import { isMine } from "/page/people.js";
import { store } from "/page/store.js";

const REACTIONS = ["👍", "👎", "❤", "🔥", "🎉", "🤔", "👀"];
const LONG_PRESS = 450;
const MARGIN = 8;

let todo = null;

export function setUpMessageMenu(actions) {
  todo = actions;
  const node = $("message-menu");
  document.addEventListener("click", (event) => node.contains(event.target) || closeMessageMenu());
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMessageMenu());
  $("scroll").addEventListener("scroll", closeMessageMenu, { passive: true });
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

export function closeMessageMenu() {
  show($("message-menu"), false);
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
  closeMessageMenu();
  act();
}
