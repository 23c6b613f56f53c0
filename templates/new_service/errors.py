"""What is wrong, in words for who called."""


class ScaffoldError(Exception):
    """A service can't be made or updated; nothing was changed."""
