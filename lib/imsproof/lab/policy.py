"""The lab's policy as one frozen value, and the box in which the control channel swaps it."""

from __future__ import annotations

from dataclasses import dataclass, field

from imsproof.lab.kms.policy import KmsPolicy
from imsproof.lab.media.msrp.policy import MsrpPolicy
from imsproof.lab.media.policy import MediaPolicy
from imsproof.lab.sbi.http2policy import Http2Policy
from imsproof.lab.sbi.jsonpolicy import JsonPolicy
from imsproof.lab.sbi.policy import SbiPolicy
from imsproof.lab.sbi.scppolicy import ScpPolicy
from imsproof.lab.sip.policy import SipPolicy
from imsproof.lab.sip.robustness import RobustPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole lab's policy; the defaults are the conformant lab."""

    sip: SipPolicy = field(default_factory=SipPolicy)
    robust: RobustPolicy = field(default_factory=RobustPolicy)
    sbi: SbiPolicy = field(default_factory=SbiPolicy)
    json: JsonPolicy = field(default_factory=JsonPolicy)
    scp: ScpPolicy = field(default_factory=ScpPolicy)
    h2: Http2Policy = field(default_factory=Http2Policy)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    msrp: MsrpPolicy = field(default_factory=MsrpPolicy)
    kms: KmsPolicy = field(default_factory=KmsPolicy)


class PolicyBox:
    """Holds the current policy. Nodes read :attr:`current` at each decision and never keep a copy."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.current = policy or Policy()
