"""The SIP side of the reference lab: P-CSCF, S-CSCF with subscriber data, IMS AS, and a far UE."""
