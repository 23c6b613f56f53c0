"""The rules of products, orders and payments; knows neither the web nor the database."""
