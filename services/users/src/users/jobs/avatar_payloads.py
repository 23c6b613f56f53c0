"""What the jobs of avatars are asked; ``make_avatar.py`` and ``remove_avatars.py`` do it."""

from uuid import UUID

from pydantic import BaseModel

MAKE_AVATAR = "users.make_avatar"
REMOVE_AVATARS = "users.remove_avatars"


class MakeAvatar(BaseModel):
    """Whose picture, and which."""

    user_id: int
    upload_id: UUID


class RemoveAvatars(BaseModel):
    """Whose thumbnails."""

    user_id: int
