"""All candidates, ours first; a file a product."""

from benchmarks.gateway.candidates.candidate import Candidate
from benchmarks.gateway.candidates.gatehouse import BARE, POLICY, TRACED
from benchmarks.gateway.candidates.nginx import NGINX

CANDIDATES: dict[str, Candidate] = {each.name: each for each in (BARE, POLICY, TRACED, NGINX)}
