"""getFile: where to download what somebody has sent."""

from typing import Any

from bot.sandbox.errors import bad_request
from bot.sandbox.methods.call import Call

LARGEST_DOWNLOAD = 20 << 20


def get_file(call: Call) -> dict[str, Any]:
    stored = call.telegram.world.files.get(call.params["file_id"])
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }
