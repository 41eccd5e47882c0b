"""A network namespace of one's own for a lab that makes IPsec associations, so that the machine's own stay untouched.

As a normal user it comes with a user namespace, where the system lets users have one (Linux).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

from program import LabError

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40


def enter() -> None:
    """Move this process, and what it starts, into a new namespace with nothing but a loopback interface.

    Raises:
        LabError: the system does not let this user have one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)):
        told = os.strerror(ctypes.get_errno())
        raise LabError(f"this configuration needs a network namespace of its own, which cannot be made here: {told}")
    if user:
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"0 {user} 1")
        (own / "gid_map").write_text(f"0 {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
