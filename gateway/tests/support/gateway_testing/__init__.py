"""What the gateway's tests stand on."""
