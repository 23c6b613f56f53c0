"""The control plane: what the gateway answers by itself, as a FastAPI app."""
