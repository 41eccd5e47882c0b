"""The table of access tokens that a producer must refuse: what is wrong with each, and how a refusal names it.

Every row is a purpose where the consumer calls the producer itself, and part of one where an SCP brings the request.
Source: TS 33.117 clauses 4.2.2.2.3.1 and 4.2.2.2.3.2, RFC 8725, RFC 6750 section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imsproof.actors import forgery, wrongclaims
from imsproof.actors.wrongclaims import all_of, missing, nearly, wrong_claims, wrong_times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imsproof.actors.forgery import Hostile, Workshop

OTHER_TYPE = "UDR"
STRANGER = "6d0f1c1e-ffff-4fff-8fff-00000000ffff"
INVALID = ("invalid_token",)
SCOPE = ("insufficient_scope",)
OTHER_PLMN = {"mcc": "999", "mnc": "70"}
NO_PLMN = {"mcc": "", "mnc": ""}


class Row(NamedTuple):
    """A row of the table: what is wrong with the token, and the OAuth error that names it."""

    recipe: Callable[[Workshop], Sequence[Hostile]]
    oauth: tuple[str, ...] = INVALID
    status: tuple[int, ...] = (400, 401, 403)


TABLE = {
    "SBI-TOKEN-01": Row(forgery.no_token, ()),
    "SBI-TOKEN-02": Row(forgery.wrong_signature),
    "SBI-TOKEN-03": Row(
        all_of(
            wrong_claims("the audience of another NF type", aud=OTHER_TYPE),
            missing("aud", "an audience"),
            wrongclaims.audiences,
        )
    ),
    "SBI-TOKEN-04": Row(wrong_claims("a scope of another service", scope="nudr-dr"), SCOPE),
    "SBI-TOKEN-05": Row(wrongclaims.past),
    "SBI-TOKEN-06": Row(
        all_of(
            wrong_claims("the subject of another NF", sub=STRANGER),
            nearly("sub", "the own subject"),
            missing("sub", "a subject"),
        )
    ),
    "SBI-TOKEN-07": Row(forgery.algorithm_none),
    "SBI-TOKEN-08": Row(forgery.public_key_as_secret),
    "SBI-TOKEN-09": Row(forgery.unknown_key_id),
    "SBI-TOKEN-10": Row(forgery.key_in_header),
    "SBI-TOKEN-12": Row(forgery.unknown_extension),
    "SBI-TOKEN-13": Row(
        all_of(wrong_claims("the audience of another instance", aud=[STRANGER]), wrongclaims.instances)
    ),
    "SBI-TOKEN-14": Row(wrongclaims.wrong_scopes, SCOPE),
    "SBI-TOKEN-15": Row(
        all_of(wrong_claims("no expiry", exp=None), wrong_claims("an expiry that is no time", exp="never"))
    ),
    "SBI-TOKEN-16": Row(
        all_of(
            wrong_times("a beginning in the future", iat=3600, nbf=3600, exp=7200),
            wrong_times("a beginning in the future though issued now", nbf=3600, exp=7200),
        )
    ),
    "SBI-TOKEN-18": Row(
        all_of(wrong_claims("an issuer that is not the NRF", iss=STRANGER), nearly("iss", "the NRF's id"))
    ),
    "SBI-TOKEN-19": Row(wrong_claims("another S-NSSAI", producerSnssaiList=[{"sst": 250, "sd": "ffeedd"}])),
    "SBI-TOKEN-20": Row(wrong_claims("another NSI", producerNsiList=["imsproof-no-such-nsi"])),
    "SBI-TOKEN-21": Row(wrong_claims("another NF set", producerNfSetId="set99.none.5gc.mnc070.mcc999")),
    "SBI-TOKEN-22": Row(
        all_of(
            wrong_claims("another PLMN", producerPlmnId=OTHER_PLMN),
            wrong_claims("an empty PLMN", producerPlmnId=NO_PLMN),
        )
    ),
    "SBI-TOKEN-23": Row(forgery.two_headers, ("invalid_request",)),
    "SBI-TOKEN-24": Row(forgery.in_query, ()),
    "SBI-TOKEN-25": Row(forgery.malformed, (), ()),
    "SBI-TOKEN-26": Row(wrongclaims.duplicate_claim),
    "SBI-TOKEN-27": Row(forgery.certificate_in_header),
    "SBI-TOKEN-29": Row(
        wrong_claims("a consumer abroad and no PLMN of the producer", consumerPlmnId=OTHER_PLMN, producerPlmnId=None)
    ),
}
"""By the purpose where the consumer calls the producer directly."""

THROUGH_SCP = {
    "SBI-SCP-01": ("SBI-TOKEN-01",),
    "SBI-SCP-02": ("SBI-TOKEN-02",),
    "SBI-SCP-03": ("SBI-TOKEN-03", "SBI-TOKEN-13", "SBI-TOKEN-26"),
    "SBI-SCP-04": ("SBI-TOKEN-04", "SBI-TOKEN-14"),
    "SBI-SCP-05": ("SBI-TOKEN-05", "SBI-TOKEN-15"),
    "SBI-SCP-14": ("SBI-TOKEN-07", "SBI-TOKEN-08", "SBI-TOKEN-09", "SBI-TOKEN-10", "SBI-TOKEN-12", "SBI-TOKEN-27"),
    "SBI-SCP-15": ("SBI-TOKEN-06", "SBI-TOKEN-18"),
    "SBI-SCP-18": ("SBI-TOKEN-19",),
    "SBI-SCP-19": ("SBI-TOKEN-20",),
    "SBI-SCP-20": ("SBI-TOKEN-21",),
    "SBI-SCP-21": ("SBI-TOKEN-22", "SBI-TOKEN-29"),
    "SBI-SCP-22": ("SBI-TOKEN-23", "SBI-TOKEN-24"),
    "SBI-SCP-23": ("SBI-TOKEN-25",),
}
"""The rows that go through an SCP, by the purpose that they make up there."""
