"""What you buy: products, stock, orders, payments."""
