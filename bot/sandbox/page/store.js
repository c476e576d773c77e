// What the page knows, loaded once and then kept up to date by the stream of events.

export const store = {
  bot: null,
  users: [],
  chats: new Map(),
  calls: [],
  violations: 0,
  pending: 0,
  me: 0,
  chat: 0,
  // Taps that wait for an answer: query id -> key of the button.
  taps: new Map(),
  typing: new Map(),
  // The topic that is read, by chat; none means all of them.
  topic: new Map(),
};

export async function request(action, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(`/sim/${action}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || answer.description || "The sandbox said no.");
  return answer;
}

export async function load() {
  const [state, log] = await Promise.all([request("state"), request("log")]);
  store.bot = state.bot;
  store.users = state.users;
  store.pending = state.pending;
  store.chats = new Map(state.chats.map((chat) => [chat.info.id, open(chat)]));
  store.calls = log.calls.reverse();
  store.violations = state.violations.length;
  const known = store.users.some((user) => user.id === store.me);
  if (!known) store.me = Number(recall("user")) || store.users[0].id;
  if (!store.chats.has(store.chat)) store.chat = store.me;
}

function open(chat) {
  chat.posts = new Map(chat.posts.map((post) => [post.message.message_id, post]));
  chat.drafts = new Map(chat.drafts.map((draft) => [draft.draft_id, draft]));
  return chat;
}

const HANDLERS = {
  message(chat, event) {
    chat.posts.set(event.post.message.message_id, event.post);
    chat.started = true;
    if (event.post.message.from?.id === store.bot.id) {
      chat.drafts.clear();
      store.typing.delete(event.chat);
    }
  },
  edit: (chat, event) => void chat.posts.set(event.post.message.message_id, event.post),
  delete: (chat, event) => void chat.posts.delete(event.message_id),
  pins: (chat, event) => void (chat.pins = event.pins),
  topics: (chat, event) => void (chat.topics = event.topics),
  keyboard: (chat, event) => void (chat.keyboard = event.keyboard),
  draft: (chat, event) => void chat.drafts.set(event.draft.draft_id, event.draft),
  undraft: (chat, event) => void chat.drafts.delete(event.draft_id),
  blocked: (chat, event) => void (chat.blocked = event.blocked),
  typing: (_, event) => void store.typing.set(event.chat, { ...event, until: Date.now() + 5000 }),
};

// Says whether the event was understood; if not, the page loads everything anew.
export function apply(event) {
  if (event.kind === "pending") store.pending = event.count;
  else if (event.kind === "call") store.calls = [event, ...store.calls].slice(0, 300);
  else if (event.kind === "violation") store.violations += 1;
  else if (event.kind === "answer") store.taps.delete(event.query);
  else if (HANDLERS[event.kind] && store.chats.has(event.chat))
    HANDLERS[event.kind](store.chats.get(event.chat), event);
  else return false;
  return true;
}

export const current = () => store.chats.get(store.chat);
// The reader's own language says how times and dates are written.
export const locale = () => user()?.language_code || [];
export const user = () => store.users.find((person) => person.id === store.me);

// The chats a person has: their own with the bot, and their groups.
export function chatsOf(userId) {
  return [...store.chats.values()].filter((chat) => chat.members.includes(userId));
}

export function titleOf(chat) {
  return chat.info.type === "private" ? store.bot.first_name : chat.info.title;
}

export function lastPost(chat) {
  return [...chat.posts.values()].pop();
}

export function markRead() {
  const post = current() && lastPost(current());
  if (post) remember(`read:${store.me}:${store.chat}`, post.message.message_id);
}

export function unread(userId, chat) {
  if (userId === store.me && chat.info.id === store.chat) return 0;
  const last = lastPost(chat);
  let seen = Number(recall(`read:${userId}:${chat.info.id}`)) || 0;
  if (last && seen > last.message.message_id) seen = 0; // the world began anew
  const fresh = (post) => post.message.message_id > seen && post.message.from?.id !== userId;
  return [...chat.posts.values()].filter(fresh).length;
}

// Private windows may refuse storage; then nothing is remembered and nothing breaks.
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
