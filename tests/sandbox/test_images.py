"""The size of a picture is read, not guessed."""

import io
import struct

import pytest
from PIL import Image

from bot.sandbox import Upload
from bot.sandbox.images import image_size


@pytest.mark.parametrize("kind", ["png", "jpeg"])
@pytest.mark.parametrize("size", [(640, 400), (1, 300)])
def test_sizes_are_read_from_the_header(kind, size):
    stream = io.BytesIO()
    Image.new("RGB", size, "navy").save(stream, kind)
    assert image_size(stream.getvalue()) == size


def test_a_progressive_jpeg_with_long_comments_is_read():
    stream = io.BytesIO()
    image = Image.new("RGB", (321, 123))
    image.save(stream, "jpeg", progressive=True, comment=b"x" * 3000, exif=b"Exif\x00\x00" * 50)
    assert image_size(stream.getvalue()) == (321, 123)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\xff\xd8ab"]
)
def test_what_is_no_picture_has_no_size(data):
    assert image_size(data) is None


@pytest.mark.parametrize("size", [(9999, 2), (6000, 5000)])
async def test_pictures_too_long_or_too_large_are_refused(sandbox, api, size):
    header = struct.pack(">II", *size)
    data = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + header + b"\x08\x02\x00\x00\x00"
    await sandbox.send(1001, "hi")
    stored = sandbox.telegram.world.files.add(Upload("a.png", "image/png", data), "photos")
    refusal = await api.refusal("sendPhoto", chat_id=1001, photo=stored.id)
    assert refusal == "400 Bad Request: PHOTO_INVALID_DIMENSIONS"
