"""Run as a program: one pattern, from stdin, against texts made to make it turn back; what grows out of turn.

It is a process of its own for the limit on the time that it may compute: a pattern cannot be stopped from within.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Iterator

PREFIXES = ("", "/", "[", '"', "bytes=", "q=", "https://", "gh_1_", "{", "a=", "?")
PIECES = (*'a0-./: \t=,"[]{@', "%41", "A1", "a.", "a-", "a:", "x ")
TAILS = ("", "!", "\n")
TINY, SHORT, LONG = 14, 1_000, 8_000
# Six letters more: a quarter more work, and 64 times as much where each doubles it.
TINY_AND_SIX = 20
# Eight times the text takes eight times as long, and 64 times where the work is quadratic: as far from both.
MOST = 22.0
# A hundred times what linear work on the longest takes: below it no ratio is worth a look.
WORTH_A_LOOK = 0.004
LIMIT_SECONDS = 30


def hostile(size: int) -> Iterator[str]:
    """Texts of about ``size`` letters, the same ones in the same order for each size."""
    for prefix in PREFIXES:
        for piece in PIECES:
            for tail in TAILS:
                yield prefix + (piece * size)[:size] + tail


def seconds(pattern: re.Pattern[str] | re.Pattern[bytes], methods: list[str], text: str, tries: int) -> float:
    """The least of CPU time that the methods took."""
    given, nothing = (text.encode(), b"") if isinstance(pattern.pattern, bytes) else (text, "")
    best = float("inf")
    for _ in range(tries):
        begun = time.process_time()
        for method in methods:
            found = getattr(pattern, method)(*([nothing] if method in ("sub", "subn") else []), given)
            if method == "finditer":
                list(found)
        best = min(best, time.process_time() - begun)
    return best


def out_of_turn(pattern: re.Pattern[str] | re.Pattern[bytes], methods: list[str]) -> str | None:
    """The first text whose greater part takes more than its share, in words."""
    for smaller, larger in ((TINY, TINY_AND_SIX), (SHORT, LONG)):
        for small, large in zip(hostile(smaller), hostile(larger), strict=True):
            if seconds(pattern, methods, large, 1) <= WORTH_A_LOOK:
                continue
            # Once is chance, and the more so the shorter it is: the best of some.
            much, little = seconds(pattern, methods, large, 5), seconds(pattern, methods, small, 20)
            if much > WORTH_A_LOOK and much > MOST * little:
                return f"{small[:24]!r}: {little:.5f} s for {len(small)}, {much:.5f} s for {len(large)}"
    return None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_SECONDS, LIMIT_SECONDS))
    asked = json.load(sys.stdin)
    text: str = asked["text"]
    compiled = re.compile(text.encode("latin-1") if asked["bytes"] else text, asked["flags"])
    sys.stdout.write(out_of_turn(compiled, asked["methods"]) or "")
