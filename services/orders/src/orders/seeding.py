"""The demo shop: twelve products, put on the shelf once and never again, whatever becomes of them."""

from decimal import Decimal

import structlog

from orders import catalogue
from orders.domain.products import ProductFields
from orders.store import seeds
from shared.postgres import Database

log = structlog.stdlib.get_logger(__name__)

_SEED = "demo-products"


def _product(sku: str, name: str, price: str, stock: int, description: str) -> ProductFields:
    return ProductFields(sku, name, description, Decimal(price), "EUR", stock)


DEMO_PRODUCTS = (
    _product("MUG-STONE-350", "Stoneware mug, 350 ml", "14.90", 400, "Hand-glazed, safe in the dishwasher."),
    _product("KETTLE-GOOSE-1L", "Gooseneck kettle, 1 l", "64.00", 150, "Stainless steel, for gas and induction."),
    _product("GRINDER-HAND-38", "Hand coffee grinder", "89.50", 120, "Conical steel burrs of 38 mm."),
    _product("FILTER-PAPER-100", "Paper filters, pack of 100", "5.40", 2000, "Unbleached, size 02."),
    _product("BEANS-ETH-250", "Ethiopia Guji coffee, 250 g", "12.80", 900, "Washed, roasted light."),
    _product("BEANS-COL-1000", "Colombia Huila coffee, 1 kg", "34.00", 500, "For espresso and the moka pot."),
    _product("SCALE-BREW-2KG", "Brewing scale with timer", "42.00", 180, "Reads to 0.1 g, charged by USB-C."),
    _product("TEAPOT-GLASS-08", "Glass teapot, 0.8 l", "38.50", 160, "With a strainer of steel."),
    _product("TEA-SENCHA-100", "Sencha green tea, 100 g", "11.20", 700, "First harvest, from Shizuoka."),
    _product("TIN-AIRTIGHT-500", "Airtight tin, 500 g", "18.00", 350, "Keeps beans and leaves dry and dark."),
    _product("CLOTH-LINEN-2", "Linen tea towels, set of 2", "22.00", 260, "Stone-washed, 50 by 70 cm."),
    _product("SPOON-OAK-1", "Oak measuring spoon", "7.30", 600, "Holds 10 g of ground coffee."),
)


async def seed_products(database: Database) -> None:
    """Add and announce the demo products unless that was done before; several workers may try at once."""
    async with database.transaction() as connection:
        if not await seeds.claim(connection, _SEED):
            return
        for fields in DEMO_PRODUCTS:
            await catalogue.add_product(connection, fields)
    log.info("seeded", seed=_SEED, products=len(DEMO_PRODUCTS))
