"""Work done by the worker, a file a type."""
