"""Journeys in a real browser: Debian's Chromium, driven by Playwright, which downloads nothing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Far more than any step takes: the machine may be busy.
STEP_MILLISECONDS = 90_000
_CUT = "ERR_NETWORK_CHANGED"
_TIMES = 6
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

expect.set_options(timeout=STEP_MILLISECONDS)


def chromium_path() -> str:
    """Where Chromium is; a skip with its reason where there is none, which CI does not have."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        assert not os.environ.get("CI"), "no Chromium: .ci/run installs Debian's package `chromium`"
        pytest.skip("no Chromium is here: on Debian, `apt install chromium`")
    return found


@dataclass
class Visit:
    """A page, and what it complained of; ``expected`` are parts of complaints that the journey means to cause."""

    page: Page
    base: str
    shots: Path
    expected: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])
    cut: list[str] = field(default_factory=list[str])

    def open(self, path: str) -> None:
        """Load a page of the gateway."""
        self.page.goto(self.base + path)

    def shot(self, name: str) -> None:
        """A picture of the whole page, kept for people to look at."""
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    def accessible(self) -> None:
        """No finding of axe-core: WCAG 2.2 AA, contrast of the colours in use included, and its best practices."""
        found = Axe().run(self.page, options=_RULES)
        told = [f"{one['id']}: {node['html'][:200]}" for one in found.response["violations"] for node in one["nodes"]]
        assert not told, "\n".join(told)

    def unexpected(self) -> list[str]:
        """What the page complained of and nobody meant."""
        return [one for one in self.complaints if not any(part in one for part in self.expected)]


def visit(browser: Browser, base: str, shots: Path, journey: Callable[[Visit], None], **options: str) -> None:
    """Make ``journey`` with a fresh profile; errors in the page's console (CSP's are there too) fail it.

    Chromium cuts every connection when a network interface of the machine comes or goes, as containers make them:
    a journey that failed and was cut so is made again.
    """
    shots.mkdir(parents=True, exist_ok=True)
    for left in reversed(range(_TIMES)):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(STEP_MILLISECONDS)
        one = Visit(context.new_page(), base, shots)
        _listen(one)
        try:
            journey(one)
        except (AssertionError, Error):
            if not one.cut or not left:
                raise
            continue
        finally:
            context.close()
        if not one.cut:
            assert not one.unexpected(), one.unexpected()
        return


def _listen(one: Visit) -> None:
    def said(kind: str, text: str) -> None:
        if _CUT in text:
            one.cut.append(text)
        elif kind in {"error", "warning"}:
            one.complaints.append(text)

    one.page.on("console", lambda message: said(message.type, message.text))
    one.page.on("pageerror", lambda error: said("error", str(error)))
    one.page.on("requestfailed", lambda request: said("", request.failure or ""))
    one.page.on("dialog", lambda dialog: (said("error", f"dialog: {dialog.message}"), dialog.dismiss()))
