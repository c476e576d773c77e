// What stands beside the chat: the list of chats, the switch of people, the log of API calls.

import { $, avatar, el, icon, show } from "/page/dom.js";
import { snippet } from "/page/bubble.js";
import { author } from "/page/people.js";
import { chatsOf, lastPost, locale, store, titleOf, unread, user } from "/page/store.js";

let go = () => undefined;

export function setUpPanels(goTo) {
  go = goTo;
  $("side-open").append(icon("back"));
  $("side-close").append(icon("close"));
  $("log-open").append(icon("calls"));
  $("log-close").append(icon("close"));
  $("side-open").addEventListener("click", () => document.body.classList.add("side-shown"));
  $("side-close").addEventListener("click", () => document.body.classList.remove("side-shown"));
  $("log-open").addEventListener("click", () => openLog($("log").hidden));
  $("log-close").addEventListener("click", () => openLog(false));
  $("user-switch").addEventListener("click", (event) => {
    show($("users"), $("users").hidden);
    event.stopPropagation();
  });
  document.addEventListener("click", () => show($("users"), false));
}

function openLog(open) {
  show($("log"), open);
  drawLog();
}

export function drawSide() {
  const me = user();
  const others = store.users.filter((person) => person.id !== store.me);
  $("user-switch").replaceChildren(
    avatar(me.first_name, me.id),
    el("span", {}, "You are ", el("b", { dir: "auto" }, me.first_name)),
    icon("down"),
    badge(others.reduce((sum, person) => sum + unreadOf(person), 0)),
  );
  $("users").replaceChildren(...store.users.map(userRow));
  $("chats").replaceChildren(...chatsOf(store.me).map(chatRow));
  const elsewhere = unreadOf(me);
  $("side-open").replaceChildren(icon("back"), badge(elsewhere));
}

const unreadOf = (person) => chatsOf(person.id).reduce((sum, chat) => sum + unread(person.id, chat), 0);

function badge(count) {
  return count ? el("span", { class: "badge", "data-testid": "unread" }, String(count)) : "";
}

function userRow(person) {
  return el(
    "button",
    {
      class: `option${person.id === store.me ? " chosen" : ""}`,
      role: "option",
      "aria-selected": String(person.id === store.me),
      "data-user": person.id,
      onclick: () => go(person.id, store.chat === store.me ? person.id : store.chat),
    },
    avatar(person.first_name, person.id),
    el("span", {}, el("b", { dir: "auto" }, person.first_name), el("span", { class: "dim" }, ` ${person.language_code}`)),
    badge(unreadOf(person)),
  );
}

function chatRow(chat) {
  const last = lastPost(chat);
  const isPrivate = chat.info.type === "private";
  const who = last && !isPrivate ? `${author(last.message).name}: ` : "";
  return el(
    "button",
    {
      class: `chat-row${chat.info.id === store.chat ? " chosen" : ""}`,
      "data-chat": chat.info.id,
      onclick: () => go(store.me, chat.info.id),
    },
    avatar(titleOf(chat), isPrivate ? store.bot.id : chat.info.id),
    el("span", {}, el("b", { dir: "auto" }, titleOf(chat)), el("span", { class: "clip dim", dir: "auto" }, last ? who + snippet(last.message) : "No messages yet")),
    el("span", { class: "aside" }, el("time", {}, last ? momentOf(last.message) : ""), badge(unread(store.me, chat))),
  );
}

function momentOf(message) {
  const date = new Date(message.date * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString(locale(), { hour: "numeric", minute: "2-digit" })
    : date.toLocaleDateString(locale(), { day: "numeric", month: "short" });
}

export function drawLog() {
  $("log-open").classList.toggle("alarm", store.violations > 0);
  const floods = store.calls.filter((call) => call.flood).length;
  const facts = [store.pending && `${store.pending} waiting`, floods && `${floods} too fast`];
  $("pending").textContent = facts.filter(Boolean).join(", ");
  if ($("log").hidden) return;
  const open = new Set([...document.querySelectorAll("#calls details[open]")].map((node) => node.dataset.at));
  $("calls").replaceChildren(...store.calls.map((call) => callRow(call, open)));
}

function callRow(call, open) {
  const violations = call.violations || [];
  const failed = call.status !== 200;
  const time = new Date(call.at * 1000).toLocaleTimeString([], { hour12: false });
  const broken = violations.map((words) => el("p", { class: "broken" }, words));
  const said = call.description && !violations.length ? [el("p", {}, call.description)] : [];
  const node = el(
    "details",
    { class: `call${violations.length ? " violation" : ""}${failed ? " failed" : ""}`, "data-method": call.method, "data-at": call.at, open: open.has(String(call.at)) },
    el("summary", {}, el("span", { class: "dim" }, time), el("b", {}, call.method), call.flood ? el("span", { class: "flood" }, "too fast") : "", el("span", { class: "status" }, String(call.status || "cut")), ...said, ...broken),
  );
  if (call.params) node.append(el("pre", {}, JSON.stringify(call.params, null, 2)));
  return node;
}
