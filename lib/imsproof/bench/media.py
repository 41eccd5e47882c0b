"""Audio, message sessions and the KMS: the tester as one end of them, by calls or by the profile's hook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.call import CallSignalling
from imsproof.actors.farleg import FarLeg
from imsproof.actors.hook import HookSignalling
from imsproof.actors.kms import KmsClient
from imsproof.actors.media import MediaPeer
from imsproof.actors.msrp import MsrpPeer
from imsproof.bench.subscribers import Subscribers
from imsproof.profile.msrp import Msrp
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.signalling import Signalling


class MediaEnds(Subscribers):
    """A desk with ends of audio and of message sessions, and users of a KMS."""

    def media(self) -> MediaPeer:
        """The tester's audio on the access leg, with its far leg unless the lab has a far end of its own."""
        media = self.profile.media
        observe = media.observe if media is not None else "far"
        if media is not None and media.via == "hook" and media.hook is not None:
            hook, address = media.hook, self.hook_address(media.hook)
            far = FarLeg(self.session, address, random=self.random) if observe == "far" else None
            where = far.where if far else None
            return self._media(
                lambda: HookSignalling(self.session, hook, local_address=address, far=where), address, far
            )
        caller = self.ue()
        if observe != "far":
            return self._media(partial(CallSignalling, caller, self.far_target()), caller.local[0], None)
        callee = self.ue("ue-b")
        far = FarLeg(self.session, callee.local[0], actor="ue-b", random=self.random)
        Answering(callee, far.sdp)
        return self._media(partial(CallSignalling, caller, callee.impu), caller.local[0], far)

    def _media(self, signalling: Callable[[], Signalling], address: str, far: FarLeg | None) -> MediaPeer:
        return MediaPeer(self.session, signalling, self.random, address=address, far=far)

    def messages(self, *, e2ae: bool = False) -> MsrpPeer:
        """The tester as one end of message sessions: by calls to the lab's UE, or by the profile's hook.

        With ``e2ae`` every offer asks for protection by the IMS-AGW.
        """
        settings = self.profile.msrp or Msrp()
        settings = settings.model_copy(update={"e2ae": True}) if e2ae else settings
        hook = settings.hook
        if hook is not None:
            address = self.hook_address(hook)
            return MsrpPeer(
                self.session, lambda: HookSignalling(self.session, hook, local_address=address), self.random, settings
            )
        caller, target = self.ue(), self.far_target()
        return MsrpPeer(self.session, lambda: CallSignalling(caller, target), self.random, settings)

    def kms_users(self, count: int) -> list[KmsClient]:
        """So many users of the KMS, the initiator first (``InconclusiveError`` when the profile has fewer)."""
        kms = self.profile.kms
        if kms is None or len(kms.users) < count:
            raise InconclusiveError(f"the profile's kms has fewer than {count} users")
        return [KmsClient(self.session, kms, user, self.random) for user in kms.users[:count]]

    def kms_stranger(self, like: KmsClient, *, known: bool = False) -> KmsClient:
        """Somebody whom the KMS does not know; or, ``known``, somebody whose key it is not.

        Names are as long as the other user's, so that lengths tell nothing.
        """
        wrong = self.random.randbytes(len(like.user.psk))
        names = {} if known else {"identity": _other(like.user.identity), "psk_id": _other(like.user.psk_id)}
        return KmsClient(self.session, like.kms, like.user.model_copy(update={"psk": wrong, **names}), self.random)


def _other(name: str | None) -> str | None:
    """Another name of the same length."""
    return name and f"{name[:4]}zzzz{name[8:]}"
