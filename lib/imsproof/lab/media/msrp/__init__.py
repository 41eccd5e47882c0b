"""MSRP in the lab: the far UE's end of message sessions."""
