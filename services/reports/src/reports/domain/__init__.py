"""Rules of reports; nothing here knows of HTTP or the database."""
