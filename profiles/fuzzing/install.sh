#!/bin/sh
# Installs the targets that are not in the real lab yet (Debian packages, as root). May be run again at any time.
set -eu
cd "$(dirname "$0")"
../kamailio/install.sh

say() { printf 'fuzzing: %s\n' "$*" >&2; }
installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=
for package in baresip-core sip-tester coturn redis-server; do
    installed "$package" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "missing Debian packages; install them as root: apt-get install --no-install-recommends$missing"
    exit 1
fi
say "installing$missing (apt-get); their services are not started"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then # Debian's way to say that a package must not start its service
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
fi
install() {
    # shellcheck disable=SC2086 # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null 2>&1
}
install || { apt-get update >/dev/null && install; } || {
    say "apt-get could not install$missing"
    exit 1
}
