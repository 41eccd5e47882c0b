"""What the lab's KMS decides; the defaults are the conformant KMS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KmsPolicy:
    """The policy of the KMS.

    Attributes:
        tls_lowest: the lowest TLS version.
        mac_checked: a request whose MAC is wrong is refused.
        null_mac_taken: a request that says NULL authentication is taken without a MAC.
        identity_bound: who asks must be the owner of the pre-shared key.
        replays_refused: a request that came before is refused.
        clock_checked: a request whose timestamp is far from now is refused.
        responders_checked: only those whom a ticket names may resolve it.
        ticket_sealed: the policy in a ticket cannot be altered.
        validity_checked: a ticket is resolved within its validity period alone.
        fresh_keys: every ticket has keys of its own.
        keys_agree: who resolves a ticket gets the keys that its requester got.
        keys_forked: where a ticket's policy asks for it, every responder gets keys of its own.
        initiator_checked: a forked ticket is resolved only with the proof of who asked for it.
        keys_encrypted: the keys in an answer are encrypted.
        answers_signed: answers carry a MAC over themselves and the request.
        enumerates: a user that does not exist is told from one that does.
        dies_of: kinds of hostile input that end the KMS until the lab is reset: ``form``, ``length``.
    """

    tls_lowest: str = "TLSv1.2"
    mac_checked: bool = True
    null_mac_taken: bool = False
    identity_bound: bool = True
    replays_refused: bool = True
    clock_checked: bool = True
    responders_checked: bool = True
    ticket_sealed: bool = True
    validity_checked: bool = True
    fresh_keys: bool = True
    keys_agree: bool = True
    keys_forked: bool = True
    initiator_checked: bool = True
    keys_encrypted: bool = True
    answers_signed: bool = True
    enumerates: bool = False
    dies_of: tuple[str, ...] = ()
