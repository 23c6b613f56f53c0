"""The list of products comes from a replica where there is one; a product, its ETag and all writes from the primary."""

from urllib.parse import urlsplit

import httpx
import pytest

from orders.main import create_application
from orders.settings import OrdersSettings
from shared.settings import ReplicaSettings
from shared.testing.replica import programs, streaming_replica
from shared.testing.servers import Servers
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

pytestmark = pytest.mark.skipif(programs() is None, reason="pg_basebackup, which makes a replica, is not here")


async def listed(api: httpx.AsyncClient, sku: str) -> int:
    answer = await api.get("/api/v1/products", params={"sku": sku})
    assert answer.status_code == 200, answer.text
    return answer.json()["total"]


async def reads_of_replica(api: httpx.AsyncClient) -> bool:
    await listed(api, "any")
    return 'database_stale_reads_total{server="replica"}' in (await api.get("/metrics")).text


async def test_a_list_may_be_stale_and_a_product_never(
    servers: Servers,
    client: httpx.AsyncClient,
    settings: OrdersSettings,
    signer: Signer,
    admin: dict[str, str],
):
    assert client.base_url, "it has applied the migrations"
    async with streaming_replica(servers) as replica:
        url = replica.at(settings.postgres.url.get_secret_value())
        # Older than any setting allows: on a busy machine the pause below may last.
        reads = ReplicaSettings.model_validate({"url": url}).model_copy(update={"lag_seconds": 1e6})
        async with running(create_application(settings.model_copy(update={"replica": reads}), signer)) as api:
            await eventually(lambda: reads_of_replica(api))
            await replica.pause()
            body = {"sku": "STALE-1", "name": "White mug", "price": "9.99", "stock": 1}
            added = await api.post("/api/v1/products", json=body, headers=admin)
            assert added.status_code == 201
            product = urlsplit(added.headers["location"]).path
            # The list shows the past; a moment of the machine's may send one of its reads to the primary.
            await eventually(lambda: listed(api, "STALE-1"), 0)
            assert (await api.get(product)).headers["etag"] == added.headers["etag"]
            renamed = {"If-Match": added.headers["etag"], **admin}
            assert (await api.patch(product, json={"name": "Mug"}, headers=renamed)).status_code == 200
            await replica.resume()
            await eventually(lambda: listed(api, "STALE-1"), 1)
            assert (await api.delete(product, headers=admin)).status_code == 204
