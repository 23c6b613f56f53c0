"""HAProxy: jwt_verify and a stick table."""

from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import Ground, filled
from benchmarks.gateway.server import Server, free_port
from benchmarks.gateway.tokens import AUDIENCE, ISSUER

_TABLE = """
backend users
  stick-table type string len 64 size 100k expire 1h store http_req_rate(1h)
"""


def _server(setting: Setting, algorithm: str | None) -> Server:
    ground, port = setting.ground, free_port()
    policy = ""
    if algorithm:
        policy = filled(
            "haproxy.policy",
            algorithm=algorithm,
            issuer=ISSUER,
            audience=AUDIENCE,
            keys=ground.issuer.folder,
            quota=setting.quota,
        )
    config = ground.write("haproxy.cfg", setting.folder, port=port, policy=policy, table=_TABLE if algorithm else "")
    return Server(
        [*ground.tools.command("haproxy"), "-db", "-f", config], port, ground.front, setting.folder / "haproxy.out"
    )


def _version(ground: Ground) -> str:
    return ground.tools.version("haproxy", "-v").split(" - ")[0].removeprefix("HAProxy version ")


def _policy(name: str, algorithm: str) -> Candidate:
    return Candidate(
        name=name,
        title=f"HAProxy, {algorithm}",
        work=f"JWT verified on every request ({algorithm}), limit of the user in the process's own stick table, "
        "request id, standing headers, counters, access log",
        leaves_out="scopes; keys by JWKS; a limit shared with other processes; limit headers; tracing",
        start=lambda setting: _server(setting, algorithm),
        version=_version,
        token=algorithm,
        limited=True,
        mixed=True,
    )


HAPROXY_POLICY = _policy("haproxy_policy", "RS256")
HAPROXY_ES256 = _policy("haproxy_policy_es256", "ES256")
HAPROXY = Candidate(
    name="haproxy",
    title="HAProxy, bare",
    work="forwards over kept-alive connections; request id, counters, access log",
    leaves_out="token, limit, tracing, standing headers",
    start=lambda setting: _server(setting, None),
    version=_version,
)
