"""What the tests of every service stand on: real servers, a database and a vhost of their own, tokens."""
