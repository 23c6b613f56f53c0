"""fast-gateway on Node."""

import json

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import AUDIENCE, ISSUER
from benchmarks.gateway.tools import PEERS


def _server(setting: Setting, *, policy: bool) -> Server:
    ground, port = setting.ground, free_port()
    environment = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "UPSTREAM": str(ground.upstream),
        "REDIS_PORT": str(ground.redis),
        "PEM": str(ground.issuer.pem("RS256")),
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "QUOTA": str(setting.quota),
        "POLICY": "1" if policy else "",
    }
    output = setting.folder / "fast-gateway.out"
    return Server(ground.tools.command("fast-gateway"), port, ground.front, output, environment)


def _version(ground: Ground) -> str:
    ground.tools.command("fast-gateway")
    wanted = json.loads((PEERS / "fast_gateway" / "package.json").read_text())["dependencies"]["fast-gateway"]
    return f"{wanted}, Node {ground.tools.version('node', '--version')}"


FAST_GATEWAY_POLICY = Candidate(
    name="fast_gateway_policy",
    title="fast-gateway",
    work="JWT (RS256, verified tokens remembered), fixed window of the user shared in Redis, request id, "
    "standing headers",
    leaves_out="scopes, keys by JWKS, access log, metrics, tracing",
    start=lambda setting: _server(setting, policy=True),
    version=_version,
    token="RS256",  # noqa: S106 - the name of an algorithm
    limited=True,
    mixed=True,
)
FAST_GATEWAY = Candidate(
    name="fast_gateway",
    title="fast-gateway, bare",
    work="forwards over kept-alive connections; request id",
    leaves_out="token, limit, access log, metrics, tracing, standing headers",
    start=lambda setting: _server(setting, policy=False),
    version=_version,
)
