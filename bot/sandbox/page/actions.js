// What a person can do with the bot, and what they see of its answers to taps.

import { snippet } from "/page/bubble.js";
import { $, el, icon, show } from "/page/dom.js";
import { drawPlaceholder } from "/page/foot.js";
import { openMessageMenu } from "/page/menu.js";
import { author } from "/page/people.js";
import { jump, toBottom } from "/page/scroll.js";
import { current, request, store } from "/page/store.js";

const TAP_TIMEOUT = 10000;
const TOAST_TIME = 3500;

let replyTo = 0;
let editing = 0;
let toastTimer = 0;

export const actions = {
  command: (text) => say(text),
  jump: (messageId) => jump(messageId),
  reply: (messageId) => setReply(messageId),
  view(source) {
    $("viewer-image").src = source;
    $("viewer").classList.remove("near");
    $("viewer").showModal();
  },
  menu: (event, post) => openMessageMenu(event, post),
  react: (post, emoji) => act("react", { message_id: post.message.message_id, emoji }),
  edit: (messageId) => setEdit(messageId),
  copy: (text) => copy(text),
  block: (blocked) => act("block", { blocked }),
  deepLink,
  press,
};

export async function act(action, body) {
  try {
    return await request(action, { user: store.me, chat: store.chat, ...body });
  } catch (error) {
    toast(error.message);
    return null;
  }
}

export async function say(text) {
  if (editing) {
    const edit = { message_id: editing, text };
    setReply(0);
    return act("edit", edit);
  }
  const body = { text, ...thread() };
  if (replyTo) body.reply_to = replyTo;
  setReply(0);
  await act("send", body);
  return toBottom();
}

// The ForceReply that is being answered.
export const asksFor = () => replyTo && current().posts.get(replyTo)?.force_reply;

// A reply goes where the question is; anything else into the topic that is open.
function thread() {
  const asked = replyTo && current().posts.get(replyTo)?.message.message_thread_id;
  const topic = asked || store.topic.get(store.chat);
  return topic ? { thread: topic } : {};
}

export async function press(message, button, key) {
  if (button.url || button.login_url) {
    const url = button.url || button.login_url.url;
    if (!deepLink(url)) window.open(url, "_blank", "noopener");
  } else if (button.copy_text) {
    await copy(button.copy_text.text);
  } else if (button.web_app) {
    const data = await act("webapp", {});
    if (data) window.open(`${button.web_app.url}#tgWebAppData=${encodeURIComponent(data.init_data)}`, "_blank", "noopener");
  } else if (!isSpinning(key)) {
    await tap(message, button, key);
  }
}

// t.me/<this bot>?start=word sends "/start word" in the person's own chat with the bot.
function deepLink(url) {
  const found = /^(?:https?:\/\/)?t(?:elegram)?\.me\/(\w+)\?start=([\w-]{1,64})$/i.exec(url);
  if (!found || found[1].toLowerCase() !== store.bot.username.toLowerCase()) return false;
  act("send", { chat: store.me, text: `/start ${found[2]}` });
  return true;
}

async function tap(message, button, key) {
  const early = `early:${key}`;
  store.taps.set(early, key);
  spin();
  const wish = { message_id: message.message_id, label: button.text, data: button.callback_data };
  const answer = await act("tap", wish);
  store.taps.delete(early);
  if (answer && !answered.delete(answer.query)) {
    store.taps.set(answer.query, key);
    setTimeout(() => store.taps.delete(answer.query) && spin(), TAP_TIMEOUT);
  }
  spin();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied to the clipboard");
  } catch {
    toast(text);
  }
}

export function setReply(messageId) {
  if (editing) fill("");
  editing = 0;
  replyTo = messageId;
  const post = messageId && current().posts.get(messageId);
  showAbove(post, "reply", post && author(post.message).name);
  drawPlaceholder();
}

function setEdit(messageId) {
  const post = current().posts.get(messageId);
  replyTo = 0;
  editing = messageId;
  showAbove(post, "edit", "Edit message");
  fill(post.message.text);
}

function fill(text) {
  $("text").value = text;
  $("text").dispatchEvent(new Event("input"));
}

function showAbove(post, sign, title) {
  show($("replying"), Boolean(post));
  if (!post) return;
  const cancel = { class: "icon", type: "button", "aria-label": "Cancel", onclick: () => setReply(0) };
  $("replying").replaceChildren(
    icon(sign),
    el("span", {}, el("b", { dir: "auto" }, title), el("span", { class: "clip", dir: "auto" }, snippet(post.message))),
    el("button", cancel, icon("close")),
  );
  $("text").focus();
}

// Answers can overtake the reply to the tap that asked for them.
const answered = new Set();

export function hear(answer) {
  if (!store.taps.delete(answer.query)) {
    answered.add(answer.query);
    setTimeout(() => answered.delete(answer.query), TAP_TIMEOUT);
  }
  spin();
  if (answer.user !== store.me) return;
  if (answer.text && answer.show_alert) {
    $("alert-text").textContent = answer.text;
    if (!$("alert").open) $("alert").showModal();
  } else if (answer.text) toast(answer.text);
}

export function toast(text) {
  const node = $("toast");
  node.replaceChildren(el("span", { dir: "auto" }, text));
  show(node, true);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => show(node, false), TOAST_TIME);
}

export const hideToast = () => show($("toast"), false);

const isSpinning = (key) => [...store.taps.values()].includes(key);

export function spin() {
  for (const node of document.querySelectorAll("[data-key]"))
    node.classList.toggle("waiting", isSpinning(node.dataset.key));
}
