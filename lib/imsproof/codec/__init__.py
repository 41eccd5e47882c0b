"""Bytes to structures and back: losslessly, and wrongly on purpose. No I/O, no clock, no randomness of its own."""
