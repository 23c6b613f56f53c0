"""How a route's caching is told in a line."""

from gateway.routes.model import CacheModel


def cached(model: CacheModel) -> str:
    """For ``gateway explain``."""
    told = [f"as Cache-Control allows, bodies up to {model.max_object} bytes"]
    if model.stale_while_revalidate is not None:
        told.append(f"stale while revalidating {model.stale_while_revalidate:g}s")
    if model.stale_if_error is not None:
        told.append(f"stale on errors {model.stale_if_error:g}s")
    if model.heuristic:
        told.append("freshness by Last-Modified where nothing is said")
    if not model.client_directives:
        told.append("Cache-Control of requests ignored")
    if not model.redis:
        told.append("not in Redis")
    return "; ".join(told)
