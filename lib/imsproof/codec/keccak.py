"""The permutation Keccak-f[1600] (FIPS 202 clause 3), which no library of Python gives away bare."""

from __future__ import annotations

STATE_OCTETS = 200
_LANES = 25
_MASK = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    """The constants of iota, from their linear feedback shift register (FIPS 202 clause 3.2.5)."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _moves() -> tuple[tuple[int, int, int], ...]:
    """Rho and pi at once: from which lane to which, and by how many bits it is turned (FIPS 202 3.2.2, 3.2.3)."""
    found, x, y = [(0, 0, 0)], 1, 0
    for step in range(24):
        found.append((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), (step + 1) * (step + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(found)


_ROUNDS = _round_constants()
_MOVES = _moves()


def _turn(lane: int, bits: int) -> int:
    return (lane << bits | lane >> (64 - bits)) & _MASK


def keccak_f1600(state: bytes) -> bytes:
    """Permute a state of 200 bytes; lanes are little-endian (``ValueError`` for another length)."""
    if len(state) != STATE_OCTETS:
        raise ValueError(f"the state has {len(state)} bytes, not {STATE_OCTETS}")
    lanes = [int.from_bytes(state[8 * i : 8 * i + 8], "little") for i in range(_LANES)]
    for constant in _ROUNDS:
        column = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        change = [column[(x - 1) % 5] ^ _turn(column[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * _LANES
        for source, target, bits in _MOVES:
            moved[target] = _turn(lanes[source] ^ change[source % 5], bits)
        lanes = [
            moved[i] ^ (~moved[i - i % 5 + (i + 1) % 5] & moved[i - i % 5 + (i + 2) % 5] & _MASK) for i in range(_LANES)
        ]
        lanes[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in lanes)
