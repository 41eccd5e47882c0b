#!/bin/sh
# Installs a Linux that runs as a program (Debian's user-mode-linux), and what it needs to start (through apt, as root).
# May be run again at any time. Exit status 69: not possible here; what it says on stderr is why.
set -eu

UNAVAILABLE=69 # EX_UNAVAILABLE of sysexits.h

say() { printf 'kernel with ESP: %s\n' "$*" >&2; }

missing=
for package in user-mode-linux kmod iproute2; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "missing Debian packages; install them as root: apt-get install --no-install-recommends$missing"
    exit $UNAVAILABLE
fi
say "installing$missing (apt-get)"
install() {
    # shellcheck disable=SC2086 # a list of names
    told=$(DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing 2>&1)
}
install || { apt-get update >/dev/null 2>&1 && install; } || {
    say "apt-get could not install$missing:"
    printf '%s\n' "$told" | tail -n 3 >&2
    exit $UNAVAILABLE
}
