"""All candidates, ours first; a file a product."""

from benchmarks.gateway.candidates.caddy import CADDY
from benchmarks.gateway.candidates.candidate import Candidate
from benchmarks.gateway.candidates.envoy import ENVOY, ENVOY_CACHED, ENVOY_POLICY
from benchmarks.gateway.candidates.fast_gateway import FAST_GATEWAY, FAST_GATEWAY_POLICY
from benchmarks.gateway.candidates.gatehouse import BARE, CACHED, NOT_MODIFIED, POLICY, TRACED
from benchmarks.gateway.candidates.haproxy import HAPROXY, HAPROXY_ES256, HAPROXY_POLICY
from benchmarks.gateway.candidates.nginx import NGINX, NGINX_304, NGINX_CACHE
from benchmarks.gateway.candidates.tutorial import TUTORIAL_CLIENT_EACH, TUTORIAL_POLICY

_ALL = (
    BARE,
    NGINX,
    HAPROXY,
    ENVOY,
    CADDY,
    FAST_GATEWAY,
    POLICY,
    HAPROXY_POLICY,
    HAPROXY_ES256,
    ENVOY_POLICY,
    ENVOY_CACHED,
    FAST_GATEWAY_POLICY,
    TUTORIAL_POLICY,
    TUTORIAL_CLIENT_EACH,
    TRACED,
    CACHED,
    NGINX_CACHE,
    NOT_MODIFIED,
    NGINX_304,
)
CANDIDATES: dict[str, Candidate] = {each.name: each for each in _ALL}
