"""The passive auditor: what a capture that somebody else made shows of an IMS network's security."""
