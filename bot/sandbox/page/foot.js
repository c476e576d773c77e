// Below the chat: what to write, which commands there are, the bot's own keyboard.

import { act, asksFor, press, say, setReply } from "/page/actions.js";
import { buttonKey } from "/page/bubble.js";
import { $, el, icon, show } from "/page/dom.js";
import { current, store } from "/page/store.js";

let menuOpen = false;
// Keyboards that are folded away, by chat, and why: by hand, or because they were for one use.
const folded = new Map();

const keyboardOf = (chat) => (chat.keyboard || {}).keyboard || [];

export function drawFoot() {
  const chat = current();
  const idle = chat.info.type === "private" && (!chat.posts.size || chat.blocked);
  show($("start"), idle);
  show($("compose"), !idle);
  $("start").textContent = chat.blocked ? "RESTART" : "START";
  drawPlaceholder();
  drawMenuButton(chat);
  drawCommands();
  drawReplyKeyboard(chat);
}

function drawMenuButton(chat) {
  const isApp = chat.menu.type === "web_app";
  const label = isApp ? chat.menu.text : "Menu";
  $("menu").replaceChildren(icon($("commands").hidden ? "menu" : "close"), el("span", {}, label));
  show($("menu"), isApp || myCommands().length > 0);
}

const myCommands = () => current().commands[store.me] || [];

// The whole list for the button, the matching part of it while a command is typed.
function drawCommands() {
  const typed = $("text").value;
  const typing = /^\/\w*$/.test(typed);
  const wanted = menuOpen || typing;
  const found = myCommands().filter((item) => !typing || item.command.startsWith(typed.slice(1).toLowerCase()));
  show($("commands"), wanted && found.length > 0);
  $("commands").replaceChildren(...found.map(commandRow));
}

function commandRow(item) {
  const choose = () => {
    openMenu(false);
    $("text").value = "";
    say(`/${item.command}`);
  };
  return el(
    "button",
    { type: "button", class: "option", "data-command": item.command, onclick: choose },
    el("b", {}, `/${item.command}`),
    el("span", { dir: "auto" }, item.description),
  );
}

export function openMenu(open) {
  menuOpen = open;
  drawCommands();
  drawMenuButton(current());
}

// What the bot wishes to be written: with the question it asks, or with its keyboard.
export function drawPlaceholder() {
  const wished = (asksFor() || current().keyboard || {}).input_field_placeholder;
  $("text").placeholder = wished || "Message";
}

function drawReplyKeyboard(chat) {
  const rows = keyboardOf(chat);
  const there = rows.length > 0 && $("start").hidden;
  show($("keys"), there);
  show($("keyboard"), there && folded.get(chat.info.id) !== chat.keyboard);
  $("keys").classList.toggle("on", !$("keyboard").hidden);
  $("keyboard").replaceChildren(...rows.map((keys) => el("div", { class: "keys" }, ...keys.map(replyKey))));
}

function replyKey(key) {
  const text = key.text || key;
  const use = () => {
    const chat = current();
    if (chat.keyboard.one_time_keyboard) fold(chat, true);
    if (key.web_app) press(null, { web_app: key.web_app }, buttonKey(0, 0, 0));
    else say(text);
  };
  const facts = { class: `key ${key.style || ""}`, type: "button", "data-testid": "reply-button", "data-label": text, onclick: use };
  return el("button", facts, el("span", { dir: "auto" }, text));
}

function fold(chat, away) {
  if (away) folded.set(chat.info.id, chat.keyboard);
  else folded.delete(chat.info.id);
  drawReplyKeyboard(chat);
}

function setUpComposer() {
  const text = $("text");
  const grow = () => {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 160)}px`;
    $("send").classList.toggle("ready", Boolean(text.value.trim()));
    drawCommands();
  };
  const submit = () => {
    const words = text.value.trim();
    text.value = "";
    grow();
    if (words) say(words);
  };
  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  $("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  $("keys").append(icon("keys"));
  $("keys").addEventListener("click", () => fold(current(), !$("keyboard").hidden));
  $("start").addEventListener("click", () => say("/start"));
  $("menu").append(icon("menu"));
  $("menu").addEventListener("click", pressMenu);
}

function pressMenu() {
  const { menu } = current();
  if (menu.type === "web_app") press(null, { web_app: menu.web_app }, buttonKey(0, 0, 0));
  else openMenu(!menuOpen);
}

function setUpFiles() {
  $("attach").append(icon("clip"));
  $("attach").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", async () => {
    const [file] = $("file").files;
    $("file").value = "";
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    await act("upload", { name: file.name, data: btoa(binary) });
  });
}

export function setUpFoot() {
  $("send").append(icon("send"));
  setUpComposer();
  setUpFiles();
  document.addEventListener("click", (event) => {
    if (menuOpen && !event.composedPath().includes($("foot"))) openMenu(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    openMenu(false);
    setReply(0);
  });
}
