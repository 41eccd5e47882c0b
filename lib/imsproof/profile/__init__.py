"""What the user declares about a lab: claims (ICS), addresses and credentials (IXIT), limits, authorised scope."""

from __future__ import annotations

from imsproof.profile.load import load, loads
from imsproof.profile.model import Profile
from imsproof.profile.problems import Problem, ProfileError

__all__ = ["Problem", "Profile", "ProfileError", "load", "loads"]
