"""Reads one part of a multipart body: a parameter, or a file when it has a file name."""

from typing import Any

from aiohttp import BodyPartReader

from bot.sandbox.world import Upload


async def read_part(
    part: BodyPartReader, parameters: dict[str, Any], files: dict[str, Upload]
) -> None:
    name = part.name or ""
    if part.filename is None:
        parameters[name] = await part.text()
        return
    mime = part.headers.get("Content-Type", "application/octet-stream")
    files[name] = Upload(part.filename, mime, bytes(await part.read(decode=True)))
