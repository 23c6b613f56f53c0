"""What the gateway says about its work: spans, metrics, the access log."""
