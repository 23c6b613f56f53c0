"""The routes file: what it may say, how it is read, and how a request finds its route."""
