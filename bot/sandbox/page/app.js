// The page: draws the chat, follows the events, and does what the person asks for.

import { act, actions, hear, hideToast, setReply, spin } from "/page/actions.js";
import { bubble, snippet } from "/page/bubble.js";
import { $, avatar, el, hue, icon, initials, show } from "/page/dom.js";
import { drawFoot, openMenu, setUpFoot } from "/page/foot.js";
import { drawLog, drawSide, setUpPanels } from "/page/panels.js";
import { closeMenus, setUpMenus } from "/page/menu.js";
import { author } from "/page/people.js";
import { formatMoment, rich } from "/page/richtext.js";
import { atBottom, countFresh, drawDown, jump, setUpScroll, toBottom } from "/page/scroll.js";
import { apply, chatsOf, current, load, locale, markRead, remember, store, titleOf, user } from "/page/store.js";

const ACTIONS = {
  typing: "typing",
  upload_photo: "sending a photo",
  upload_document: "sending a file",
};

const drawn = new Map();
let pinIndex = 0;

function draw() {
  if (!current()) return;
  const stay = atBottom();
  drawHead();
  drawPinned();
  drawTopics();
  drawMessages();
  drawFoot();
  drawSide();
  drawLog();
  if (stay) toBottom();
  drawDown();
}

function drawHead() {
  const chat = current();
  const title = titleOf(chat);
  document.title = `${title} — local chat`;
  $("avatar").className = `avatar ${hue(chat.info.type === "private" ? store.bot.id : chat.info.id)}`;
  $("avatar").textContent = initials(title);
  $("title").textContent = title;
  const typing = store.typing.get(store.chat);
  const active = typing && typing.until > Date.now();
  $("subtitle").classList.toggle("typing", Boolean(active));
  const still = chat.info.type === "private" ? "bot" : `${chat.members.length + 1} members`;
  $("subtitle").textContent = active ? `${ACTIONS[typing.action] || "busy"}…` : still;
}

function drawPinned() {
  const chat = current();
  const pins = chat.pins.filter((id) => chat.posts.has(id));
  show($("pinned"), pins.length > 0);
  if (!pins.length) return;
  pinIndex = Math.min(pinIndex, pins.length - 1);
  const { message } = chat.posts.get(pins[pins.length - 1 - pinIndex]);
  $("pinned").replaceChildren(
    el("span", { class: "bar" }),
    ...(message.photo ? [el("img", { src: `/blob/${message.photo[0].file_id}`, alt: "" })] : []),
    el("span", { class: "said" }, el("b", {}, pins.length > 1 ? `Pinned message #${pins.length - pinIndex}` : "Pinned message"), el("span", { class: "clip", dir: "auto" }, snippet(message))),
    icon("pin"),
  );
  $("pinned").onclick = () => {
    jump(message.message_id);
    pinIndex = (pinIndex + 1) % pins.length;
    drawPinned();
  };
}

// Rows that have not changed stay as they are, so that opened quotes and spoilers stay open.
function drawMessages() {
  const chat = current();
  const posts = [...chat.posts.values()].filter(inTopic);
  const rows = [];
  if (!posts.length && chat.info.type === "private") rows.push(welcome());
  posts.forEach((post, index) => {
    const before = posts[index - 1];
    const after = posts[index + 1];
    if (!before || dayOf(before) !== dayOf(post)) rows.push(daySeparator(post));
    const place = { first: !before || !together(before, post), last: !after || !together(post, after) };
    rows.push(row(chat, post, place));
  });
  rows.push(...[...chat.drafts.values()].filter((draft) => draft.until * 1000 > Date.now()).map(draftRow));
  if (drawn.get("chat") !== viewKey()) drawn.clear();
  drawn.set("chat", viewKey());
  place(rows);
  spin();
}

const viewKey = () => `${store.me}:${store.chat}:${store.topic.get(store.chat) || 0}`;

const inTopic = (post) => [undefined, 0, post.message.message_thread_id].includes(store.topic.get(store.chat));

function drawTopics() {
  const chat = current();
  const topics = Object.entries(chat.topics || {});
  show($("topics"), topics.length > 0);
  const tab = ([id, name]) => {
    const chosen = Number(id) === (store.topic.get(store.chat) || 0);
    const choose = () => {
      store.topic.set(store.chat, Number(id));
      draw();
      toBottom();
    };
    return el("button", { class: chosen ? "chosen" : "", "data-topic": id, "aria-pressed": String(chosen), onclick: choose }, el("span", { dir: "auto" }, name));
  };
  $("topics").replaceChildren(...[["0", "All"], ...topics].map(tab));
}

// Changes only what differs: a node that is moved would lose its scroll position and focus.
function place(rows) {
  const list = $("messages");
  rows.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null);
  });
  while (list.children.length > rows.length) list.lastChild.remove();
}

function row(chat, post, where) {
  const key = `${viewKey()}:${post.message.message_id}`;
  const signature = JSON.stringify([post, where, chat.topics]);
  const known = drawn.get(key);
  if (known && known.signature === signature) return known.node;
  const node = bubble(chat, post, where, actions);
  drawn.set(key, { signature, node });
  return node;
}

const dayOf = (post) => new Date(post.message.date * 1000).toDateString();

function together(one, other) {
  const near = other.message.date - one.message.date < 300;
  return near && author(one.message).id === author(other.message).id && !other.message.forward_origin && dayOf(one) === dayOf(other);
}

function daySeparator(post) {
  const key = `day:${dayOf(post)}:${store.me}`;
  if (drawn.has(key)) return drawn.get(key);
  const today = dayOf(post) === new Date().toDateString();
  const name = new Date(post.message.date * 1000).toLocaleDateString(locale(), { day: "numeric", month: "long" });
  const node = el("div", { class: "day" }, today ? theDay() : name);
  drawn.set(key, node);
  return node;
}

// "Today" in the reader's language.
function theDay() {
  const word = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(0, "day");
  return word.charAt(0).toLocaleUpperCase() + word.slice(1);
}

function welcome() {
  return el(
    "div",
    { class: "welcome" },
    avatar(store.bot.first_name, store.bot.id),
    el("b", {}, store.bot.first_name),
    el("p", {}, "Press START below to begin. This chat lives on your computer; no Telegram account is needed."),
  );
}

function draftRow(draft) {
  const stop = { class: "key", "data-testid": "stop", onclick: () => act("stop_draft", { draft_id: draft.draft_id }) };
  const dots = el("span", { class: "dots", "aria-label": "Thinking" }, el("i"), el("i"), el("i"));
  const words = draft.text ? rich(draft.text, draft.entities, actions.command) : "Thinking ";
  const text = draft.rich_message
    ? richBlocks(draft.rich_message, actions.command)
    : el("span", { class: "content", dir: "auto" }, words);
  return el(
    "div",
    { class: "row theirs first last draft", "data-testid": "draft" },
    el(
      "div",
      { class: "stack" },
      el("div", { class: "bubble" }, el("div", { class: "text" }, text, dots)),
      draft.can_stop ? el("div", { class: "keyboard" }, el("div", { class: "keys" }, el("button", stop, "Stop"))) : null,
    ),
  );
}

export function goTo(userId, chatId) {
  const mine = chatsOf(userId).some((chat) => chat.info.id === chatId);
  store.me = userId;
  store.chat = mine ? chatId : userId;
  remember("user", userId);
  pinIndex = 0;
  openMenu(false);
  closeMenus();
  hideToast();
  setReply(0);
  markRead();
  document.body.classList.remove("side-shown");
  draw();
  toBottom();
  askedFor();
}

// The bot's last word wanted a reply: the composer opens one.
function askedFor() {
  const last = [...current().posts.values()].pop();
  if (last?.force_reply) setReply(last.message.message_id);
}

let socket = null;
let delay = 500;

async function connect() {
  try {
    await load();
  } catch {
    return lost();
  }
  markRead();
  draw();
  socket = new WebSocket(`ws://${location.host}/events`);
  socket.onopen = () => {
    delay = 500;
    show($("offline"), false);
  };
  socket.onmessage = (message) => follow(JSON.parse(message.data));
  socket.onclose = lost;
  return undefined;
}

function lost() {
  show($("offline"), true);
  setTimeout(connect, delay);
  delay = Math.min(delay * 2, 4000);
}

async function follow(event) {
  if (event.kind === "answer") return hear(event);
  if (!apply(event)) await load().catch(() => undefined); // the lost connection will say so
  if (event.kind === "call" || event.kind === "violation" || event.kind === "pending") return drawLog();
  if (event.kind === "typing") setTimeout(drawHead, 5100);
  if (event.kind === "message" && event.chat === store.chat) countFresh();
  if (!document.hidden) markRead();
  draw();
  if (event.kind === "message" && event.chat === store.chat && event.post.force_reply) setReply(event.post.message.message_id);
  return undefined;
}

function setUp() {
  setUpFoot();
  setUpScroll();
  setUpPanels(goTo);
  setUpMenus(actions);
  $("messages").addEventListener("click", followLink);
  setUpViewer();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    markRead();
    drawSide();
  });
  setInterval(refreshMoments, 15000);
}

// A link to this bot is the bot's own: it stays here, as the phone's app keeps it in the app.
function followLink(event) {
  const link = event.target.closest("a[href]");
  if (link && actions.deepLink(link.href)) event.preventDefault();
}

// A tap on the photo brings it near, another takes it back; a tap beside it closes it.
function setUpViewer() {
  const viewer = $("viewer");
  $("viewer-close").append(icon("close"));
  viewer.addEventListener("click", (event) => {
    if (event.target.id !== "viewer-image") return viewer.close();
    const { offsetX, offsetY, target } = event;
    const place = { x: offsetX / target.offsetWidth, y: offsetY / target.offsetHeight };
    const near = viewer.classList.toggle("near");
    const frame = $("viewer-frame");
    if (near) frame.scrollTo(place.x * frame.scrollWidth - frame.clientWidth / 2, place.y * frame.scrollHeight - frame.clientHeight / 2);
    return undefined;
  });
}

function refreshMoments() {
  for (const node of document.querySelectorAll("time[data-unix]"))
    if (node.dataset.format) node.textContent = formatMoment(Number(node.dataset.unix), node.dataset.format);
  if (user()) drawMessages();
}

setUp();
connect();
