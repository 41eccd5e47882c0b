"""The lab's media nodes: the MF with its data channels, the DC AS behind it, and the IMS-AGW."""
