"""The manners of every answer: standing headers, errors, versions, limits, negotiation."""

import gzip
import re
import secrets
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest
from e2e_system import Person, System, eventually

STANDING = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": None,
    "Referrer-Policy": None,
    "Content-Security-Policy": None,
    "X-XSS-Protection": None,
    "X-Request-ID": None,
    "traceresponse": None,
}


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "code", "instance", "trace_id"} <= set(document)
    assert document["status"] == status
    assert re.fullmatch("[a-z][a-z0-9_]*", document["code"])
    assert re.fullmatch("[0-9a-f]{32}", document["trace_id"])
    if code:
        assert document["code"] == code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/api/v1/products"),
        ("GET", "/api/v1/products/999999999"),
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v9/orders"),
        ("GET", "/nowhere"),
        ("DELETE", "/api/v1/auth/login"),
        ("POST", "/api/v1/users"),
    ],
)
def test_standing_headers_on_every_answer(client: httpx.Client, method: str, path: str):
    answer = client.request(method, path)
    for name, value in STANDING.items():
        assert name in answer.headers, (name, answer.status_code)
        assert value is None or answer.headers[name] == value
        assert len(answer.headers.get_list(name)) == 1, name


def test_a_sane_request_id_is_kept_and_another_is_made_new(client: httpx.Client):
    assert client.get("/api/v1/products", headers={"X-Request-ID": "abc-123"}).headers["X-Request-ID"] == "abc-123"
    for insane in ("a b", "x" * 300, "<script>"):
        answered = client.get("/api/v1/products", headers={"X-Request-ID": insane}).headers["X-Request-ID"]
        assert answered != insane


def test_unknown_paths_and_methods(client: httpx.Client):
    assert_problem(client.get("/nowhere"), 404)
    assert_problem(client.get("/api/v1/nowhere"), 404)
    refused = client.delete("/api/v1/auth/login")
    assert_problem(refused, 405, "method_not_allowed")
    assert "POST" in refused.headers["Allow"]


def test_401_without_and_with_a_bad_token(client: httpx.Client):
    without = client.get("/api/v1/orders")
    assert_problem(without, 401, "unauthorized")
    assert without.headers["WWW-Authenticate"].startswith("Bearer")
    bad = client.get("/api/v1/orders", headers={"Authorization": "Bearer a.b.c"})
    assert_problem(bad, 401, "invalid_token")
    assert 'error="invalid_token"' in bad.headers["WWW-Authenticate"]
    assert_problem(client.get("/api/v1/orders", headers={"X-API-Key": "gh_1_nonsense"}), 401)


def test_what_is_wrong_with_a_body(client: httpx.Client, person: Person):
    json_headers = {**person.headers, "Content-Type": "application/json"}
    assert_problem(client.post("/api/v1/orders", content=b"{", headers=json_headers), 400, "malformed_json")
    plain = {**person.headers, "Content-Type": "text/plain"}
    assert_problem(client.post("/api/v1/orders", content=b"x", headers=plain), 415, "unsupported_media_type")
    wrong = client.post("/api/v1/orders", json={"items": []}, headers=person.headers)
    assert_problem(wrong, 422, "validation_error")
    assert wrong.json()["errors"][0]["field"]
    big = b'{"x":"' + b"a" * 1_100_000 + b'"}'
    assert_problem(client.post("/api/v1/orders", content=big, headers=json_headers), 413)
    chunked = client.post("/api/v1/orders", content=iter([big[:600_000], big[600_000:]]), headers=json_headers)
    assert_problem(chunked, 413)


def test_forwarding_5_a_line_or_header_over_the_limit(client: httpx.Client):
    assert client.get("/api/v1/products?q=" + "a" * 60_000).status_code == 414
    assert client.get("/api/v1/products", headers={"X-Big": "a" * 70_000}).status_code == 431


@pytest.mark.parametrize(
    "path", ["/api/v1/../v1/products", "/api/v1/%2e%2e/products", "/api//v1/products", "/api/v1/products%2f1"]
)
def test_forwarding_3_a_path_that_is_not_canonical_is_refused(system: System, path: str):
    """httpx would mend the path, so the bytes go by a socket."""
    import socket  # noqa: PLC0415 - this test alone speaks raw
    from urllib.parse import urlsplit  # noqa: PLC0415 - the same

    parts = urlsplit(system.gateway)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        status = connection.recv(100).split()[1]
    assert status == b"400"


def test_versions_by_path_accept_and_query(client: httpx.Client, person: Person):
    for path, headers, version in [
        (f"/api/v1/users/{person.id}", {}, "1"),
        (f"/api/v2/users/{person.id}", {}, "2"),
        (f"/api/users/{person.id}", {"Accept": "application/vnd.api+json;version=2"}, "2"),
        (f"/api/users/{person.id}?version=2", {}, "2"),
    ]:
        answer = client.get(path, headers={**person.headers, **headers})
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["API-Version"].lstrip("v") == version
        name = answer.json()["name"]
        assert (name == {"first": "Ada", "last": "Lovelace"}) if version == "2" else (name == "Ada Lovelace")
    default = client.get(f"/api/users/{person.id}", headers=person.headers)
    assert default.status_code == 200
    assert default.headers["API-Version"].lstrip("v") in ("1", "2")
    assert_problem(client.get("/api/v9/products"), 404)
    assert_problem(client.get("/api/products", headers={"Accept": "application/vnd.api+json;version=9"}), 406)
    assert_problem(client.get("/api/products?version=9"), 400)


def test_a_deprecated_route_says_so(client: httpx.Client, person: Person):
    old = client.get(f"/api/v1/users/{person.id}", headers=person.headers)
    assert re.fullmatch(r"@\d+", old.headers["Deprecation"])
    assert parsedate_to_datetime(old.headers["Sunset"]) > datetime.now(UTC)
    assert f'</api/v2/users/{person.id}>; rel="successor-version"' in old.headers["Link"]
    assert "Deprecation" not in client.get(f"/api/v2/users/{person.id}", headers=person.headers).headers
    assert "Deprecation" not in client.get("/api/v1/users/me", headers=person.headers).headers
    document = client.get("/openapi.json").json()
    assert document["paths"]["/api/v1/users/{user_id}"]["get"]["deprecated"] is True


def test_one_document_for_all_services(client: httpx.Client):
    document = client.get("/openapi.json").json()
    for path in ("/api/v1/users", "/api/v2/users", "/api/v1/orders", "/api/v1/reports", "/api/v1/auth/login"):
        assert path in document["paths"], path
    assert not [path for path in document["paths"] if path.startswith(("/internal", "/health"))]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', client.get("/openapi.json").text))
    assert references <= set(document["components"]["schemas"])
    docs = client.get("/docs")
    assert docs.status_code == 200
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", docs.text), "assets are served locally"


def test_health_and_the_page_for_people(client: httpx.Client):
    # A service that does not answer within two seconds is unhealthy for as long.
    ready = eventually(
        lambda: (said := client.get("/health/ready")).status_code == 200 and said, what="all of it ready"
    )
    assert {"redis", "users", "orders", "reports"} <= set(ready.json()["checks"])
    assert set(ready.json()["checks"].values()) == {"healthy"}
    assert client.get("/health/live").status_code == 200
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")


def test_metrics_name_routes_and_never_ids(client: httpx.Client, person: Person):
    client.get(f"/api/v1/users/{person.id}", headers=person.headers)
    text = client.get("/metrics").text
    assert f"/users/{person.id}" not in text
    assert person.token not in text


def test_limited_routes_say_the_limit(client: httpx.Client, person: Person):
    answer = client.get("/api/v1/orders", headers=person.headers)
    assert re.search(r'"[a-z_-]+";q=\d+;w=\d+', answer.headers["RateLimit-Policy"])
    assert re.search(r'"[a-z_-]+";r=\d+;t=\d+', answer.headers["RateLimit"])
    limit, remaining = int(answer.headers["X-RateLimit-Limit"]), int(answer.headers["X-RateLimit-Remaining"])
    assert 0 <= remaining < limit
    assert answer.headers["X-RateLimit-Reset"].isdigit()


def test_answers_are_compressed_on_request(client: httpx.Client):
    for coding in ("gzip", "br", "zstd"):
        with client.stream("GET", "/openapi.json", headers={"Accept-Encoding": coding}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["Content-Encoding"] == coding
        assert "accept-encoding" in answer.headers["Vary"].lower()
        if coding == "gzip":
            assert b'"openapi"' in gzip.decompress(raw)
    with client.stream("GET", "/api/v1/products", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
    plain = client.get("/api/v1/products", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


def test_products_can_be_kept_by_caches(client: httpx.Client, product: dict[str, int]):
    path = f"/api/v1/products/{product['id']}"
    answer = client.get(path, headers={"Accept-Encoding": "identity"})
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    unchanged = client.get(path, headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "identity"})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_identity_headers_of_the_client_count_for_nothing(client: httpx.Client, person: Person):
    for name in ("X-User-ID", "X-User-Id", "X-User-Role", "X-Authenticated-User", "X-Forwarded-User"):
        answer = client.get("/api/v1/users", headers={**person.headers, name: "admin"})
        assert_problem(answer, 403)


def test_what_is_internal_is_not_reachable(client: httpx.Client):
    assert client.post("/internal/api-keys/exchange", json={"api_key": "x"}).status_code == 404
    assert client.post(f"/api/v1/{secrets.token_hex(4)}", json={}).status_code == 404
