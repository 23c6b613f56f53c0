"""The rules of accounts and credentials; knows neither the web nor the database."""
