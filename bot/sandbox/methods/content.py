"""What a message is made of: text, caption, keyboard, photo, document; checked like the server."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.errors import ApiError, bad_request, not_implemented
from bot.sandbox.formatting import ParseError, parse_text, utf16_length
from bot.sandbox.images import image_size
from bot.sandbox.methods.call import Call
from bot.sandbox.world import Chat, StoredFile, Upload

Json = dict[str, Any]

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_RAW_TEXT = 32768
CALLBACK_DATA_BYTES = 64
PHOTO_BYTES = 10 << 20
FILE_BYTES = 50 << 20
PHOTO_SIDES = 10000
PHOTO_RATIO = 20
BUTTON_LOOKS = {"text", "style", "icon_custom_emoji_id"}


def formatted(params: Json, text_key: str, entities_key: str) -> tuple[str, list[Json]]:
    raw = params.get(text_key) or ""
    if len(raw.encode()) > LARGEST_RAW_TEXT:
        raise bad_request("text is too long")
    try:
        return parse_text(raw, params.get("parse_mode") or "", params.get(entities_key) or [])
    except ParseError as error:
        raise bad_request(f"can't parse entities: {error}") from error
    except ValueError as error:
        raise bad_request("unsupported parse_mode") from error


def text_of(params: Json) -> Json:
    text, entities = formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return {"text": text, **({"entities": entities} if entities else {})}


def caption_of(params: Json) -> Json:
    text, entities = formatted(params, "caption", "caption_entities")
    if utf16_length(text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text, **({"caption_entities": entities} if entities else {})}


def inline_keyboard_of(chat: Chat, params: Json) -> Json | None:
    """The keyboard under the message, or None when there is none (an empty one is none)."""
    rows = (params.get("reply_markup") or {}).get("inline_keyboard")
    if not rows:
        return None
    for button in (button for row in rows for button in row):
        _check_button(chat, button)
    kept = [row for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _check_button(chat: Chat, button: Json) -> None:
    if not set(button) - BUTTON_LOOKS:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if len(button.get("callback_data", "").encode()) > CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "web_app" in button:
        _check_web_app(chat, button["web_app"]["url"])
    if "url" in button and "." not in button["url"] and not button["url"].startswith("tg://"):
        raise bad_request(
            f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
        )


def check_reply_keyboard(chat: Chat, params: Json) -> None:
    """Its keys may send text or open a mini app; what else they could ask for is not here."""
    for row in (params.get("reply_markup") or {}).get("keyboard", []):
        for key in row:
            if isinstance(key, dict):
                _check_key(chat, key)


def _check_key(chat: Chat, key: Json) -> None:
    for wish in sorted(set(key) - BUTTON_LOOKS - {"web_app"}):
        raise not_implemented(f"{wish} of KeyboardButton")
    if "web_app" in key:
        _check_web_app(chat, key["web_app"]["url"])


def _check_web_app(chat: Chat, url: str) -> None:
    if not chat.is_private:
        raise bad_request("BUTTON_TYPE_INVALID")
    if not url.startswith("https://"):
        raise bad_request(
            f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
        )


def received(call: Call, source: Json, key: str, limit: int, folder: str) -> StoredFile:
    """The file named by `source[key]`: uploaded with this request, or known by its id."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise bad_request(f"there is no {key} in the request")
    if value.startswith("attach://"):
        upload = _attached(call.files, value, key)
        if len(upload.data) > limit:
            raise ApiError(413, "Request Entity Too Large")
        return call.telegram.world.files.add(upload, folder)
    stored = call.telegram.world.files.get(value)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return stored


def _attached(files: Mapping[str, Upload], value: str, key: str) -> Upload:
    upload = files.get(value.removeprefix("attach://"))
    if upload is None:
        raise bad_request(f"there is no {key} in the request")
    if not upload.data:
        raise bad_request("file must be non-empty")
    return upload


def photo_of(call: Call, source: Json, key: str = "photo") -> Json:
    stored = received(call, source, key, PHOTO_BYTES, "photos")
    shown = {"photo": photo_sizes(stored)}
    if source.get("has_spoiler"):
        return {**shown, "has_media_spoiler": True}
    return shown


def photo_sizes(stored: StoredFile) -> list[Json]:
    size = image_size(stored.data)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if not (width and height) or width + height > PHOTO_SIDES:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    if max(width, height) > PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return [
        {
            "file_id": stored.id,
            "file_unique_id": stored.unique_id,
            "file_size": len(stored.data),
            "width": width,
            "height": height,
        }
    ]


def document_of(call: Call, source: Json, key: str = "document") -> Json:
    stored = received(call, source, key, FILE_BYTES, "documents")
    return {"document": document_facts(stored)}


def document_facts(stored: StoredFile) -> Json:
    return {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_name": stored.name,
        "mime_type": stored.mime,
        "file_size": len(stored.data),
    }
