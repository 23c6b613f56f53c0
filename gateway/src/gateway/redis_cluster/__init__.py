"""Redis Cluster: which node has which slot, commands sent there and followed when a slot moves."""
