"""imsproof: security conformance tests for IMS networks with data channels."""

__version__ = "0.1.0"
