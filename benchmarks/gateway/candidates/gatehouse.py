"""This gateway, as `gateway run` starts it."""

import sys
from dataclasses import replace
from importlib.metadata import version

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import AUDIENCE, ISSUER


def _server(setting: Setting, *, traces: str | None = None, workers: int = 1, file: str = "gatehouse.toml") -> Server:
    ground, port = setting.ground, free_port()
    routes = ground.write(file, setting.folder, quota=setting.quota)
    spans = {} if traces is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ground.spans}"}
    return Server(
        [sys.executable, "-m", "gateway", "run"],
        port,
        ground.front,
        # The access log goes to standard output, and so to this file.
        setting.output or setting.folder / "access.log",
        {
            "ENVIRONMENT": "test",  # the real limits, on a bare Redis
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            "WORKERS": str(workers),
            "GATEWAY_ROUTES": str(routes),
            "REDIS_URL": f"redis://127.0.0.1:{ground.redis}/0",
            "JWKS_URL": f"http://127.0.0.1:{ground.upstream}/jwks.json",
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "LIMITS_SCALE": "1",
            # All load comes from one address.
            "CLIENT_SHARE": "1",
            "CONNECTION_SHARE": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
            "TRACES_SAMPLE_RATIO": traces or "0",
            **spans,
        },
    )


def _version(_ground: object) -> str:
    return f"{version('gateway')}, Python {sys.version.split()[0]}, uvloop {version('uvloop')}"


_POLICY = (
    "JWT (EdDSA, key from the issuer's JWKS, verified tokens remembered), exact limit of the user shared in Redis, "
    "request id, standing headers, metrics, access log"
)


BARE = Candidate(
    name="bare",
    title="Gatehouse, bare",
    work="forwards; request id, standing headers, metrics, access log",
    start=_server,
    version=_version,
    path="/api/v1/bare/1",
    mixed=True,
)
POLICY = Candidate(
    name="policy",
    title="Gatehouse, policy",
    work=f"{_POLICY}, 1 % of requests traced to a collector",
    start=lambda setting: _server(setting, traces="0.01"),
    version=_version,
    token="EdDSA",  # noqa: S106 - the name of an algorithm
    limited=True,
    mixed=True,
)
POLICY_TWO_WORKERS = replace(
    POLICY,
    name="policy_2_workers",
    title="Gatehouse, policy, two workers",
    start=lambda setting: _server(setting, traces="0.01", workers=2),
)
TRACED = Candidate(
    name="traced",
    title="Gatehouse, policy, all traced",
    work=f"{_POLICY}, every request traced to a collector",
    start=lambda setting: _server(setting, traces="1"),
    version=_version,
    token="EdDSA",  # noqa: S106 - the name of an algorithm
    limited=True,
    spans=True,
)
CACHED = Candidate(
    name="cached",
    title="Gatehouse, cached",
    work="answers from its memory; request id, standing headers, metrics, access log",
    start=lambda setting: _server(setting, file="gatehouse_cache.toml"),
    version=_version,
    path="/api/v1/cacheable/1",
    forwards=False,
    mixed=True,
)
NOT_MODIFIED = replace(
    CACHED, name="not_modified", title="Gatehouse, cached, 304", work="as cached, 304", condition='"one"', mixed=False
)
