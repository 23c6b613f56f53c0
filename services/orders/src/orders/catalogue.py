"""Products: every change of one is written and announced here."""

from dataclasses import asdict

from orders import events
from orders.domain.products import Product, ProductFields, ProductNotFound
from orders.store import products
from shared.postgres import Connection


async def get_product(connection: Connection, product_id: int) -> Product:
    """The product. Raises ProductNotFound."""
    product = await products.find(connection, product_id)
    if product is None:
        raise ProductNotFound
    return product


async def lock_product(connection: Connection, product_id: int) -> Product:
    """The product, unchanged by others until the transaction ends. Raises ProductNotFound."""
    product = await products.lock(connection, product_id)
    if product is None:
        raise ProductNotFound
    return product


async def add_product(connection: Connection, fields: ProductFields) -> Product:
    """Put a new product on the shelf. Raises SkuTaken."""
    product = await products.insert(connection, fields)
    await events.say_products(connection, [product])
    return product


async def change_product(connection: Connection, old: Product, fields: ProductFields) -> Product:
    """Give a locked product these fields; one that has them already stays as it is. Raises SkuTaken."""
    if all(getattr(old, name) == value for name, value in asdict(fields).items()):
        return old
    product = await products.update(connection, old.id, fields)
    await events.say_products(connection, [product])
    return product


async def delete_product(connection: Connection, product_id: int) -> None:
    """Take a locked product out of the catalogue; orders keep their copy of it."""
    await events.say_products(connection, [await products.delete(connection, product_id)])
