"""What strangers send, parsed and verified. Pure: bytes and values in, values out."""
