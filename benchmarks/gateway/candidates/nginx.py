"""nginx: a plain proxy."""

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port


def _server(setting: Setting) -> Server:
    ground, port = setting.ground, free_port()
    config = ground.write("nginx.conf", setting.folder, port=port, streaming="")
    return Server(
        [*ground.tools.command("nginx"), "-c", config, "-p", setting.folder],
        port,
        ground.front,
        setting.folder / "nginx.out",
    )


def version(ground: Ground) -> str:
    """As it says itself."""
    return ground.tools.version("nginx", "-v").removeprefix("nginx version: ")


NGINX = Candidate(
    name="nginx",
    title="nginx, proxy_pass",
    work="forwards over kept-alive connections; request id, access log",
    leaves_out="token, limit, metrics by route, tracing, standing headers",
    start=_server,
    version=version,
)
