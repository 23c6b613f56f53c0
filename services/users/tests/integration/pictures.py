"""Pictures of every kind to try avatars with, made here: good ones, odd ones and hostile ones."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

RED, BLUE = (230, 20, 20), (20, 20, 230)


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 400), colour: Any = RED, **options: Any) -> bytes:
    """A picture of one colour."""
    made = io.BytesIO()
    mode = options.pop("mode", "RGB")
    Image.new(mode, size, colour).save(made, kind, **options)
    return made.getvalue()


def sideways_photo() -> bytes:
    """A JPEG that stands upright only when EXIF's orientation (6) is heeded: red above blue then; it tells where."""
    turned = Image.new("RGB", (400, 400), RED)
    turned.paste(BLUE, (200, 0, 400, 400))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET-PLACE"
    made = io.BytesIO()
    turned.save(made, "JPEG", exif=exif, quality=95, comment=b"SECRET-COMMENT")
    return made.getvalue()


def with_profile() -> bytes:
    """A JPEG with a colour profile of its own."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return picture("JPEG", icc_profile=profile)


def moving(kind: str) -> bytes:
    """Two frames."""
    made = io.BytesIO()
    first, second = Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), BLUE)
    first.save(made, kind, save_all=True, append_images=[second], duration=100)
    return made.getvalue()


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG whose header promises more pixels than any picture has, with a body of 4.9 MB (TRAPS: pixel bombs)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    rows = zlib.compress(bytes(4_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows.ljust(4_900_000, b"\0")) + chunk(b"IEND", b"")


def polyglot() -> bytes:
    """A good JPEG that is a ZIP-like archive and a web page for whoever reads it as one."""
    return picture("JPEG") + b"<script>alert('SECRET-PAGE')</script>PK\x05\x06" + bytes(18)
