"""The reference network: a small IMS with data channels, conformant by default, with faults that can be planted.

It runs as its own process (``python -m imsproof.lab``), on loopback addresses only.
"""
