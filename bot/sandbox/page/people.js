// Who wrote a message: a person, the bot, a channel, or a group that an administrator hides behind.

import { store } from "/page/store.js";

export function author(message) {
  const chat = message.sender_chat;
  if (chat) return { id: chat.id, name: chat.title || "Channel" };
  const from = message.from;
  return from ? { id: from.id, name: from.first_name } : { id: message.chat.id, name: message.chat.title };
}

export const isMine = (message) => !message.sender_chat && message.from?.id === store.me;
export const isBots = (message) => message.from?.id === store.bot.id;

export function origin(message) {
  const from = message.forward_origin;
  if (!from) return null;
  const chat = from.chat || from.sender_chat;
  return chat ? chat.title : from.sender_user_name || from.sender_user.first_name;
}

// What happened to the chat itself; such messages have no bubble.
export function serviceText(message) {
  if (message.web_app_data) return `Data sent by “${message.web_app_data.button_text}”`;
  if (message.migrate_to_chat_id) return "The group became a supergroup";
  if (message.migrate_from_chat_id) return "This group was a plain group before";
  return null;
}
