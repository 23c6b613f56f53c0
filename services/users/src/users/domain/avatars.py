"""Avatars: what is taken as a picture, in which sizes it is shown, and what is refused."""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from shared.problems import ContentTooLarge, NotFound, UnsupportedMediaType


class AvatarSize(IntEnum):
    """Pixels of a side."""

    SMALL = 128
    MEDIUM = 256
    LARGE = 512


MOST_BYTES = 5_000_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")

HEAD_BYTES = 12
"""How many of a picture's first bytes tell what it is."""


class AvatarNotFound(NotFound):
    """The user has no avatar, or there is no such user."""

    def __init__(self) -> None:
        super().__init__("avatar_not_found", "This user has no avatar.")


class NoPicture(UnsupportedMediaType):
    """The body, or what is said of it, is none of the kinds that are taken."""

    def __init__(self) -> None:
        super().__init__("unsupported_media_type", "An avatar is made of a JPEG, PNG or WebP picture.")


class PictureTooBig(ContentTooLarge):
    """More bytes than a picture may have."""

    def __init__(self) -> None:
        super().__init__("content_too_large", f"A picture has at most {MOST_BYTES:,} bytes.")


@dataclass(frozen=True, slots=True)
class Avatar:
    """``upload_id`` is the picture that came last, ``job_id`` makes it; ``made_id`` is the one that is shown."""

    user_id: int
    upload_id: UUID
    job_id: UUID
    made_id: UUID | None


def is_picture(head: bytes) -> bool:
    """Whether these first bytes are of a JPEG, PNG or WebP file, whatever its name or header says."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:HEAD_BYTES] == b"WEBP"
    )
