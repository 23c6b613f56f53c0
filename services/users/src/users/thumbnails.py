"""Makes the thumbnails of a picture: runs in a process of its own, since a picture is a stranger's program.

Only pixels pass: what is written is made anew of them, without EXIF, comments, profiles or whatever else was
appended to the file. Sizes are read from the header and judged before one pixel is decoded.
"""

import io
import os
import shutil
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PIXELS = 32_000_000
MOST_SIDE = 16_384
LEAST_SIDE = 16
MEMORY_MB = 640
"""What decoding, as the worst, a PNG of that many pixels with transparency may take."""

_QUALITY = 82


class PictureRefused(Exception):  # noqa: N818 - the name says what happened
    """No avatar can be made of this; the text is for the picture's owner."""


def make_thumbnails(source: Path, place: Path, sizes: "Sequence[int]") -> None:
    """Write ``place/<size>.webp`` for each size; ``place`` appears in one step, with all of them.

    Raises PictureRefused.
    """
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(source, formats=("JPEG", "PNG", "WEBP")) as picture:
            _check(picture)
            square = _square(picture, max(sizes))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureRefused(_too_many()) from error
    except UnidentifiedImageError as error:
        raise PictureRefused("This is no JPEG, PNG or WebP picture.") from error
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        raise PictureRefused("The picture is broken or cut off.") from error
    _write(square, place, sizes)


def _check(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise PictureRefused(_too_many())
    if min(width, height) < LEAST_SIDE:
        raise PictureRefused(f"The picture has a side of less than {LEAST_SIDE} pixels.")
    # A JPEG may carry further pictures (depth, brightness) of the same scene: its first is the photo.
    if picture.format in {"PNG", "WEBP"} and getattr(picture, "n_frames", 1) > 1:
        raise PictureRefused("The picture moves; an avatar is one picture.")


def _too_many() -> str:
    return f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels or a side above {MOST_SIDE:,}."


def _square(picture: Image.Image, side: int) -> Image.Image:
    """The middle of the picture as a square of sRGB pixels, upright.

    A centred square is the same one however it is turned, so the small one is turned, not the big one.
    """
    profile, orientation = picture.info.get("icc_profile"), picture.getexif().get(_ORIENTATION)
    if picture.format == "JPEG":
        picture.draft(None, (side * 2, side * 2))  # decodes less where less is needed
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    if picture.mode not in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        has_alpha = "transparency" in picture.info or picture.mode in {"PA", "La", "RGBa"}
        picture = picture.convert("RGBA" if has_alpha else "L" if picture.mode in {"1", "I", "I;16", "F"} else "RGB")
    box = (left, top, left + edge, top + edge)
    small = picture.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return _upright(_srgb(small, profile), orientation)


_ORIENTATION = 0x0112
"""EXIF's tag (CIPA DC-008, 4.6.4)."""


def _upright(picture: Image.Image, orientation: object) -> Image.Image:
    picture.getexif()[_ORIENTATION] = orientation if orientation in range(1, 9) else 1
    return ImageOps.exif_transpose(picture)


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB, as RGB or RGBA; a profile that cannot be used is taken for sRGB, as browsers do."""
    alpha = picture.getchannel("A") if picture.mode in {"LA", "RGBA"} else None
    colours = picture.convert({"LA": "L", "RGBA": "RGB"}.get(picture.mode, picture.mode))
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            colours = converted or colours
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _write(square: Image.Image, place: Path, sizes: "Sequence[int]") -> None:
    making = place.with_name(f".{place.name}.{os.getpid()}")
    for left in place.parent.glob(f".{place.name}.*"):  # of an attempt that was killed
        shutil.rmtree(left, ignore_errors=True)
    making.mkdir(parents=True)
    # Of the bare pixels: a picture carries its profile and metadata along through every step.
    pixels = Image.frombytes(square.mode, square.size, square.tobytes())
    for size in sizes:
        with (making / f"{size}.webp").open("wb") as file:
            pixels.resize((size, size), Image.Resampling.LANCZOS).save(file, "WEBP", quality=_QUALITY, method=4)
            file.flush()
            os.fsync(file.fileno())
    shutil.rmtree(place, ignore_errors=True)  # an attempt that was killed after this step made the same
    making.rename(place)
