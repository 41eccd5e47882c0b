"""The service-based side of the reference network: NRF, MF, IMS AS and DCSF over HTTP/2 and mutual TLS."""
