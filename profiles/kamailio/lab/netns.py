"""Network namespaces of one's own for a lab that makes IPsec associations, so that the machine's own stay untouched.

The tester has another than the lab, with a wire between them: a kernel protects nothing on its own loopback interface,
and opens what is protected for itself. As a normal user they come with a user namespace, where the system lets users
have one (Linux).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from program import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40
PREFIX = "192.0.2"
"""Of the addresses on the wire (RFC 5737), which nobody else has."""
LAB, TESTER = range(1, 100), (201, 202)
"""Their last bytes on either side."""
WIRE = "gm0"


def enter() -> None:
    """Move this process, and what it starts, into a new namespace with nothing but a loopback interface.

    Raises:
        LabError: the system does not let this user have one.
    """
    user, group = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0))
    if user:
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"0 {user} 1")
        (own / "gid_map").write_text(f"0 {group} 1")
    _loopback()


def _unshare(what: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(what):
        told = os.strerror(ctypes.get_errno())
        raise LabError(f"this configuration needs a network namespace of its own, which cannot be made here: {told}")


def _loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def wire() -> int:
    """Make a namespace for the tester, with a wire to this one; returns a file descriptor of it (:func:`move`).

    Raises:
        LabError: that cannot be had here.
    """
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    _unshare(CLONE_NEWNET)
    _loopback()
    there = os.open("/proc/self/ns/net", os.O_RDONLY)
    move(here)
    os.close(here)
    ip(f"link add {WIRE} type veth peer name {WIRE} netns /proc/{os.getpid()}/fd/{there}", *_addresses(LAB))
    ip(*_addresses(TESTER), namespace=there)
    return there


def move(namespace: int) -> None:
    """Move this process into a network namespace (``LabError``)."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise LabError(f"a network namespace cannot be entered: {os.strerror(ctypes.get_errno())}")


def _addresses(numbers: Iterable[int]) -> list[str]:
    return [*(f"address add {PREFIX}.{number}/24 dev {WIRE}" for number in numbers), f"link set {WIRE} up"]


def ip(*lines: str, namespace: int | None = None) -> None:
    """Have iproute2 do something, here or in another namespace (``LabError`` when it does not)."""
    before = None if namespace is None else partial(move, namespace)
    program = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise LabError("ip is not installed (Debian package iproute2; profiles/kamailio/install.sh)")
    command, lined = [program, "-batch", "-"], "\n".join(lines)
    done = subprocess.run(command, input=lined, capture_output=True, text=True, check=False, preexec_fn=before)
    if done.returncode:
        raise LabError(f"ip: {done.stderr.strip()}")


NETLINK_XFRM = 6
XFRM_MSG_NEWSA, XFRMA_ALG_AUTH, XFRMA_ALG_CRYPT = 0x10, 1, 2
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
PROTOCOL_ESP = 50
HAS_ESP, HAS_NO_ESP, NO_NAMESPACE = 0, 1, 2


def esp_in_kernel() -> bool:
    """Try to make an association as ims_ipsec_pcscf does; only in a namespace of one's own (:func:`enter`)."""
    ends = socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.2")
    selector = struct.pack("=4s12x4s12x8xHBBB3xiI", ends[1], ends[0], socket.AF_INET, 32, 32, 0, 0, 0)
    identity = struct.pack("=4s12x", ends[1]) + struct.pack(">I", 4096) + struct.pack("=B3x", PROTOCOL_ESP)
    lifetime = struct.pack("=4Q", *[2**64 - 1] * 4) + bytes(32) + bytes(32)  # limits, what is used, its counters
    rest = bytes(12) + struct.pack("=IIHBBB7x", 0, 1, socket.AF_INET, 0, 32, 0)
    body = selector + identity + struct.pack("=4s12x", ends[0]) + lifetime + rest
    for kind, name, key in ((XFRMA_ALG_AUTH, b"sha1", bytes(20)), (XFRMA_ALG_CRYPT, b"cipher_null", b"")):
        value = struct.pack("=64sI", name, 8 * len(key)) + key
        body += struct.pack("=HH", 4 + len(value), kind) + value
    header = struct.pack("=IHHII", 16 + len(body), XFRM_MSG_NEWSA, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as kernel:
        kernel.settimeout(5)
        kernel.sendto(header + body, (0, 0))
        kind, error = struct.unpack_from("=4xH10xi", kernel.recv(4096))
    return kind == NLMSG_ERROR and error == 0


def main() -> int:
    """Say whether this kernel has ESP, by the exit status: 0 yes, 1 no, 2 no namespaces can be joined here."""
    try:
        enter()
        wire()
        has = esp_in_kernel()
    except (LabError, OSError) as error:
        print(f"real lab: {error}", file=sys.stderr)
        return NO_NAMESPACE
    return HAS_ESP if has else HAS_NO_ESP


if __name__ == "__main__":
    sys.exit(main())
