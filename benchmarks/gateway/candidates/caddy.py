"""Caddy: reverse_proxy."""

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port


def _server(setting: Setting) -> Server:
    ground, port = setting.ground, free_port()
    config = ground.write("Caddyfile", setting.folder, port=port)
    return Server(
        [*ground.tools.command("caddy"), "run", "--config", config, "--adapter", "caddyfile"],
        port,
        ground.front,
        setting.folder / "caddy.out",
        {"GOMAXPROCS": "1", "HOME": str(setting.folder), "XDG_DATA_HOME": str(setting.folder)},
    )


def _version(ground: Ground) -> str:
    return ground.tools.version("caddy", "version").split()[0]


CADDY = Candidate(
    name="caddy",
    title="Caddy, bare",
    work="forwards over kept-alive connections; request id, access log",
    leaves_out="token, limit, metrics, tracing, standing headers",
    start=_server,
    version=_version,
)
