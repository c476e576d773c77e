// Where the reader is: at the newest message, or further up, where nothing may move them.

import { $, el, icon, show } from "/page/dom.js";
import { toast } from "/page/actions.js";

let fresh = 0;
let atEnd = true;

export function atBottom() {
  const node = $("scroll");
  return node.scrollHeight - node.scrollTop - node.clientHeight < 60;
}

export function toBottom() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  fresh = 0;
  drawDown();
}

function scrolled() {
  atEnd = atBottom();
  if (atEnd) fresh = 0;
  drawDown();
}

export function drawDown() {
  show($("down"), !atBottom());
  const badge = fresh ? el("span", { class: "badge" }, String(fresh)) : null;
  $("down").replaceChildren(...[icon("down"), badge].filter(Boolean));
}

export function jump(messageId) {
  const node = document.querySelector(`[data-mid="${messageId}"]`);
  if (!node) return toast("This message is gone.");
  node.scrollIntoView({ block: "center", behavior: "smooth" });
  node.classList.remove("flash");
  requestAnimationFrame(() => node.classList.add("flash"));
  return undefined;
}

export function countFresh() {
  if (!atBottom()) fresh += 1;
}

export function setUpScroll() {
  $("down").addEventListener("click", toBottom);
  $("scroll").addEventListener("scroll", scrolled, { passive: true });
  // When the keyboard of a phone or a longer text takes room, the newest message stays in sight.
  new ResizeObserver(() => (atEnd ? toBottom() : drawDown())).observe($("scroll"));
}
