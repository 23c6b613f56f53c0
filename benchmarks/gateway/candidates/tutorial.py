"""The gateway that tutorials write (peers/tutorial_gateway.py)."""

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground
from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import AUDIENCE, ISSUER
from benchmarks.gateway.tools import PEERS


def _server(setting: Setting, *, shared: bool) -> Server:
    ground, port = setting.ground, free_port()
    environment = {
        "UPSTREAM": str(ground.upstream),
        "REDIS_PORT": str(ground.redis),
        "PEM": str(ground.issuer.pem("RS256")),
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "QUOTA": str(setting.quota),
        "SHARED_CLIENT": "1" if shared else "",
    }
    command = [
        *ground.tools.command("tutorial"),
        "-m",
        "uvicorn",
        "tutorial_gateway:app",
        "--app-dir",
        PEERS,
        "--port",
        str(port),
    ]
    output = setting.folder / "access.log"
    return Server([*command, "--no-access-log"], port, ground.front, output, environment)


def _version(ground: Ground) -> str:
    asked = "import fastapi, httpx, uvicorn; print(f'FastAPI {fastapi.__version__}, httpx {httpx.__version__}')"
    return ground.tools.version("tutorial", "-c", asked)


def _tutorial(name: str, *, shared: bool) -> Candidate:
    client = "one httpx client" if shared else "an httpx client a request"
    return Candidate(
        name=name,
        title=f"Tutorial gateway, {client}",
        work=f"JWT verified on every request (RS256), fixed window of the user shared in Redis, {client}, request id, "
        "access log",
        leaves_out="scopes, keys by JWKS, standing headers, limit headers, metrics, tracing",
        start=lambda setting: _server(setting, shared=shared),
        version=_version,
        token="RS256",  # noqa: S106 - the name of an algorithm
        limited=True,
    )


# The ratio is against the quicker of the two.
TUTORIAL_POLICY = _tutorial("tutorial_policy", shared=True)
TUTORIAL_CLIENT_EACH = _tutorial("tutorial_policy_client_each", shared=False)
