"""Who is who on the lab's service-based interfaces: names, NF types, instance ids, addresses."""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "ims.example"
PLMN = {"mcc": "001", "mnc": "01"}
SLICE = {"sst": 1, "sd": "000001"}
SLICE_INSTANCE = "nsi-ims"
NF_SET = "set1.mfset.5gc.mnc001.mcc001"
"""Slice, slice instance and NF set of the lab's producers, as claims of access tokens name them."""
SBI_PORT = 8443
"""Not 443, so that the lab runs without privileges."""


@dataclass(frozen=True, slots=True)
class NfService:
    """A service that an NF produces: its name (which is the scope), and the NF types that may consume it."""

    name: str
    allowed_nf_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nf:
    """A network function, in the lab or played by the tester.

    Attributes:
        name: host label of its FQDN, and the name of its PEM files.
        nf_type: NFType of TS 29.510.
        instance_id: NF instance id, a UUID.
        host: last octet of its address, 0 for one that only calls.
        services: what it produces.
    """

    name: str
    nf_type: str
    instance_id: str
    host: int = 0
    services: tuple[NfService, ...] = ()

    @property
    def fqdn(self) -> str:
        """The name in its certificate."""
        return f"{self.name}.{DOMAIN}"

    def address(self, prefix: str) -> str:
        """Return its IP address under ``prefix`` (the first three octets)."""
        return f"{prefix}.{self.host}"

    def api_root(self, prefix: str) -> str:
        """Return ``https://address:port``."""
        return f"https://{self.address(prefix)}:{SBI_PORT}"


NRF = Nf(
    "nrf",
    "NRF",
    "6d0f1c1e-0000-4000-8000-000000000070",
    70,
    (NfService("nnrf-nfm", ()), NfService("nnrf-disc", ("IMS_AS", "DCSF", "MF"))),
)
MF = Nf("mf", "MF", "6d0f1c1e-0000-4000-8000-000000000050", 50, (NfService("nmf-mrm", ("IMS_AS",)),))
IMS_AS = Nf("imsas", "IMS_AS", "6d0f1c1e-0000-4000-8000-000000000030", 30, (NfService("nimsas-mc", ("DCSF",)),))
DCSF = Nf("dcsf", "DCSF", "6d0f1c1e-0000-4000-8000-000000000040", 40)
SCP = Nf("scp", "SCP", "6d0f1c1e-0000-4000-8000-000000000075", 75)
LAB_NFS = (NRF, MF, IMS_AS, DCSF, SCP)

TESTER_AS = Nf("tester-as", "IMS_AS", "6d0f1c1e-0000-4000-8000-0000000000a1")
TESTER_DCSF = Nf("tester-dcsf", "DCSF", "6d0f1c1e-0000-4000-8000-0000000000a2")
TESTER_SECOND_AS = Nf("tester-as-2", "IMS_AS", "6d0f1c1e-0000-4000-8000-0000000000a3")
TESTER_REVOKED = Nf("tester-revoked", "IMS_AS", "6d0f1c1e-0000-4000-8000-0000000000a4")
TESTER_NFS = (TESTER_AS, TESTER_DCSF, TESTER_SECOND_AS)
"""Consumers that the tester plays: authorised for nmf-mrm; of another type (authorised for nimsas-mc); a second AS."""
