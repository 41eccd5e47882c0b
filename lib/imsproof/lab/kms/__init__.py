"""The lab's key management service (KMS): MIKEY-TICKET over HTTPS."""
