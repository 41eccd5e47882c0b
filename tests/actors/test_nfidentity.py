"""Who an NF consumer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.nfidentity import NfIdentity

if TYPE_CHECKING:
    from imsproof.profile import Profile


def test_a_consumer_of_the_profile_keeps_its_name_and_what_it_says_of_itself(reference: Profile) -> None:
    assert reference.sbi
    assert reference.sbi.consumer
    found = NfIdentity.of(reference.sbi.consumer)
    assert (found.name, found.nf_type) == (reference.sbi.consumer.name, reference.sbi.consumer.nf_type)
    assert found.certificate
    assert found.key


def test_without_a_certificate_it_is_the_same_consumer_else() -> None:
    bare = NfIdentity("as", b"certificate", b"key", "IMS_AS", "me").without_certificate()
    assert bare == NfIdentity("as", nf_type="IMS_AS", instance_id="me")
