"""Envoy: jwt_authn and local_ratelimit."""

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground, filled
from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import AUDIENCE, ISSUER

_REMEMBERED = "jwt_cache_config: { jwt_cache_size: 10000 }"
_WORK = (
    "limit of all users together in the process's own token bucket, request id, standing headers, counters, access log"
)
_LESS = "scopes; a limit of the user and one shared with other processes; limit headers; tracing"


def _server(setting: Setting, *, policy: bool, remembered: bool = False) -> Server:
    ground, port = setting.ground, free_port()
    steps = headers = ""
    if policy:
        headers = filled("envoy.headers")
        steps = filled(
            "envoy.policy",
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks=ground.issuer.jwks("RS256"),
            quota=setting.quota,
            cache=_REMEMBERED if remembered else "",
        )
    config = ground.write("envoy.yaml", setting.folder, port=port, policy=steps, headers=headers)
    flags = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return Server(
        [*ground.tools.command("envoy"), "-c", config, *flags], port, ground.front, setting.folder / "envoy.out"
    )


def _version(ground: Ground) -> str:
    return ground.tools.version("envoy", "--version").rpartition("version: ")[2].split("/")[1]


def _policy(name: str, *, remembered: bool) -> Candidate:
    how = "verified tokens remembered" if remembered else "verified on every request"
    return Candidate(
        name=name,
        title="Envoy, tokens remembered" if remembered else "Envoy",
        work=f"JWT (RS256, {how}), {_WORK}",
        leaves_out=_LESS,
        start=lambda setting: _server(setting, policy=True, remembered=remembered),
        version=_version,
        token="RS256",  # noqa: S106 - the name of an algorithm
        limited=True,
        limit_of_all=True,
        mixed=True,
    )


ENVOY_POLICY = _policy("envoy_policy", remembered=False)
ENVOY_CACHED = _policy("envoy_policy_cached", remembered=True)
ENVOY = Candidate(
    name="envoy",
    title="Envoy, bare",
    work="forwards over kept-alive connections; request id, counters, access log",
    leaves_out="token, limit, tracing, standing headers",
    start=lambda setting: _server(setting, policy=False),
    version=_version,
)
