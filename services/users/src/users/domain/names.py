"""What a person's name may be: the contract's rule, for any script."""

import unicodedata

_MAX_LENGTH = 100
_MARKS = frozenset(" -'")


def check_name(text: str) -> str:
    """The name in its composed form (NFC) without outer space.

    1 to 100 letters of any script with their combining marks, spaces, ``-`` and ``'``, one letter at
    least. Raises ValueError.
    """
    name = unicodedata.normalize("NFC", text).strip(" ")
    if not 1 <= len(name) <= _MAX_LENGTH:
        raise ValueError(f"The name must have 1 to {_MAX_LENGTH} characters.")
    kinds = [unicodedata.category(letter)[0] for letter in name]
    if any(kind not in "LM" and letter not in _MARKS for letter, kind in zip(name, kinds, strict=True)):
        raise ValueError("The name may have letters, spaces, - and ' only.")
    if "L" not in kinds:
        raise ValueError("The name must have a letter.")
    return name


def split_name(name: str) -> tuple[str, str]:
    """First and last name as v2 shows them: the first word, and the rest (empty for a single word)."""
    first, _, last = name.partition(" ")
    return first, last.strip()
