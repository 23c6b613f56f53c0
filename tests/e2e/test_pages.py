"""The page at `/` and the console, as people meet them in a browser."""

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import Visit, chromium_path, visit
from e2e_system import Person, System, place_order, register
from playwright.sync_api import Browser, Page, expect, sync_playwright

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ADMIN = ("admin@example.com", "Admin12345")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        # The tests may run as root, where Chromium has no sandbox.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def shots(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath / ".state" / "screenshots"


@pytest.fixture(scope="module")
def hostile_product(client: httpx.Client, boss: Person) -> dict[str, Any]:
    """Its name is what somebody would store to have it run in another's browser."""
    body = {"sku": f"X-{secrets.token_hex(6).upper()}", "name": HOSTILE, "price": "1.00", "stock": 1000}
    answer = client.post("/api/v1/products", json=body, headers=boss.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).first.click()


def tell_a_hostile_span(system: System) -> None:
    """As a service would whose texts come from strangers (OTLP over HTTP, in JSON)."""
    now = time.time_ns()
    text = {"stringValue": HOSTILE}
    span = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": HOSTILE,
        "kind": 2,
        "startTimeUnixNano": str(now - 5_000_000),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": HOSTILE, "value": text}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "gateway"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    httpx.post(f"{system.traces}/v1/traces", json=body, trust_env=False, timeout=30).raise_for_status()


def nothing_became_html(page: Page) -> None:
    assert page.locator("main img, main script").count() == 0


def test_an_order_a_payment_a_report_and_a_trace_from_the_front_door(
    browser: Browser, system: System, shots: Path, hostile_product: dict[str, Any], person: Person
):
    def journey(one: Visit) -> None:
        page = one.page
        one.open("/")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        one.accessible()
        one.shot("home")
        log_in(page, person.email, person.password)
        expect(page.locator("#who")).to_contain_text(person.email)
        shop = page.get_by_role("region", name="Place an order")
        shop.get_by_label("Product").select_option(str(hostile_product["id"]))
        shop.get_by_label("Quantity").fill("2")
        shop.get_by_role("button", name="Order", exact=True).click()
        expect(shop).to_contain_text(HOSTILE)
        nothing_became_html(page)
        shop.get_by_role("button", name="Send it again, same key").click()
        expect(shop).to_contain_text("again: replayed")
        shop.get_by_role("button", name="Pay").click()
        expect(shop.locator(".badge")).to_have_text("paid")

        reports = page.get_by_role("region", name="Ask for a report")
        reports.get_by_label("Format").select_option("csv")
        # What passes quickly is written down by the page itself.
        page.evaluate(
            """() => { window.steps = []; new MutationObserver(() => {
                window.steps.push(document.querySelector(".progress-words")?.textContent ?? "");
            }).observe(document.body, { subtree: true, childList: true, characterData: true }); }"""
        )
        reports.get_by_role("button", name="Make it").click()
        expect(reports.locator(".progress-words")).to_have_text("Done")
        assert [step for step in page.evaluate("window.steps") if re.match(r"\d+ %", step)], "progress was seen"
        with page.expect_download() as downloading:
            reports.get_by_role("button", name="Download").click()
        assert downloading.value.suggested_filename.endswith(".csv")

        explorer = page.get_by_role("region", name="Try the API")
        explorer.get_by_role("button", name="Send").click()
        expect(explorer.locator("pre")).to_contain_text('"items"')
        one.accessible()
        one.shot("journey")
        page.emulate_media(color_scheme="dark")
        one.accessible()
        one.shot("journey-dark")
        with page.context.expect_page() as opening:
            shop.get_by_role("link", name="Open its trace").click()
        expect(opening.value.locator("body")).to_contain_text("orders")

    visit(browser, system.gateway, shots, journey)


def test_who_registers_at_the_page_is_told_what_is_wrong_and_comes_in(browser: Browser, system: System, shots: Path):
    def journey(one: Visit) -> None:
        page, email = one.page, f"{secrets.token_hex(6)}@example.com"
        one.expected.append("422")
        one.open("/")
        page.get_by_role("button", name="New here? Register").click()
        page.get_by_label("Name").fill("Grace Hopper")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill("nouppercase1")
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="password")).to_be_visible()
        page.get_by_label("Password").fill("Correct1Horse")
        page.get_by_role("button", name="Register", exact=True).click()
        expect(page.locator("#who")).to_contain_text(email)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]

    visit(browser, system.gateway, shots, journey)


def test_the_console_lives_and_is_used_by_keyboard_alone(
    browser: Browser, breakable: System, shots: Path, product: dict[str, object]
):
    system = breakable  # whose receiver of traces is told made-up spans
    with system.client() as client:
        somebody = register(client)

        def order() -> None:
            place_order(client, somebody, int(str(product["id"])))

        def journey(one: Visit) -> None:
            page = one.page
            one.open("/console")
            expect(page.get_by_role("heading", name="Console")).to_be_visible()
            one.accessible()
            tab_to(page, page.get_by_label("E-mail"))
            page.keyboard.type(ADMIN[0])
            page.keyboard.press("Tab")
            page.keyboard.type(ADMIN[1])
            page.keyboard.press("Enter")
            expect(page.locator(".tile").first).to_be_visible()
            expect(page.locator("canvas")).to_have_count(2)
            order()
            expect(page.get_by_role("region", name="Routes").get_by_text("/api/orders", exact=True)).to_be_visible()
            expect(page.get_by_role("region", name="Upstreams").get_by_text("healthy")).to_have_count(3)
            expect(page.get_by_role("region", name="Queues, outboxes, jobs").first).to_contain_text("orders-worker")
            drawn = (
                "() => [...document.querySelectorAll('canvas')].every((one) => one.getContext('2d')"
                ".getImageData(0, 0, one.width, one.height).data.some((part) => part !== 0))"
            )
            page.wait_for_function(drawn)
            trace = page.locator("#traces").get_by_role("button", name="gateway: POST /api/orders").first
            expect(trace).to_be_visible()
            trace.focus()
            page.keyboard.press("Enter")
            spans = page.locator("#trace")
            expect(spans).to_contain_text("orders")
            expect(page.locator("#trace-title")).to_be_focused()
            one.shot("console")
            tell_a_hostile_span(system)
            page.locator("#traces").get_by_role("button", name=f"gateway: {HOSTILE}").first.focus()
            page.keyboard.press("Enter")
            expect(page.locator("#trace-title")).to_contain_text(HOSTILE)
            spans.locator("summary").first.focus()
            page.keyboard.press("Enter")
            expect(spans.locator("dd").first).to_be_visible()
            expect(spans.locator("dl")).to_contain_text(HOSTILE)
            nothing_became_html(page)
            one.accessible()
            page.emulate_media(color_scheme="dark")
            one.accessible()
            one.shot("console-dark")
            tab_to(page, page.get_by_role("button", name="Log out"))
            page.keyboard.press("Enter")
            expect(page.get_by_label("E-mail")).to_be_visible()

        visit(browser, system.gateway, shots, journey)


def tab_to(page: Page, wanted: Any) -> None:
    """Only by the Tab key, from the top of the page; 200 steps are more than there are places."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(200):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def test_who_is_no_admin_sees_no_figure(browser: Browser, system: System, shots: Path, person: Person):
    def journey(one: Visit) -> None:
        page = one.page
        one.expected.append("403")
        one.open("/console")
        log_in(page, person.email, person.password)
        expect(page.get_by_role("alert").filter(has_text="The console is for admins.")).to_be_visible()
        assert page.locator(".tile").count() == 0

    visit(browser, system.gateway, shots, journey, color_scheme="dark", reduced_motion="reduce")
