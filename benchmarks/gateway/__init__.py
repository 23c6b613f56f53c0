"""The gateway against its peers on the same work: `make bench-gateway`. docs/benchmarks.md says how to read it."""
