"""The tables ``[cache]`` and ``[routes.cache]``: what answers are kept, how long, and in how much room."""

from pydantic import Field

from gateway.routes.model.values import Model, Seconds, Size


class CacheStore(Model):
    """The room for kept answers, shared by all routes of one gateway process."""

    memory: Size = Field(
        default=64_000_000,
        description="Bytes of kept answers in one process, heads and compressed copies included. When it is full, "
        "what was not asked for again goes first (SIEVE).",
    )
    redis: bool = Field(
        default=True,
        description="Keep answers in Redis too, so that several processes share them and a restart finds them. "
        "Without Redis each process keeps its own and hears of no invalidation in another.",
    )
    redis_object: Size = Field(
        default=256_000, description="The largest body that is put into Redis; a larger one stays in the process."
    )


class CacheModel(Model):
    """Keep the answers of this route's GETs as a shared cache does (RFC 9111): as long as Cache-Control allows."""

    max_object: Size = Field(default=1_000_000, description="The largest body that is kept.")
    heuristic: bool = Field(
        default=False,
        description="Keep an answer that says nothing of its freshness for a tenth of its age by Last-Modified, at "
        "most a day (RFC 9111 section 4.2.2).",
    )
    stale_while_revalidate: Seconds | None = Field(
        default=None,
        description="For so long after its freshness an answer is still given at once while a newer one is fetched "
        "behind it (RFC 5861). An answer's own stale-while-revalidate goes first; must-revalidate forbids it.",
    )
    stale_if_error: Seconds | None = Field(
        default=None,
        description="For so long after its freshness an answer is still given when the service fails (500, 502, 503, "
        "504, or no answer). An answer's own stale-if-error goes first; must-revalidate forbids it.",
    )
    client_directives: bool = Field(
        default=True,
        description="Honour Cache-Control of requests: no-cache, no-store, max-age, min-fresh, max-stale and "
        "only-if-cached. false keeps clients from reaching the service past the cache.",
    )
    wait: Seconds = Field(
        default=3.0,
        description="How long requests for the same thing wait for the one that fetches it before they fetch it "
        "themselves.",
    )
    redis: bool = Field(default=True, description="Also keep this route's answers in Redis.")
