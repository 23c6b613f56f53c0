"""Makes files of collected rows; what runs in the pool's processes, and knows no database."""
