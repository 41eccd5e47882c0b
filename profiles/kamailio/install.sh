#!/bin/sh
# Installs what the real lab is made of: Debian's packages (through apt, as root) and its own Python environment.
# May be run again at any time; says what it does. Exit status 69: not possible here; what it says on stderr is why.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
venv=$root/.venv-real

UNAVAILABLE=69 # EX_UNAVAILABLE of sysexits.h

say() { printf 'real lab: %s\n' "$*" >&2; }

packages="kamailio kamailio-ims-modules kamailio-presence-modules kamailio-tls-modules kamailio-extra-modules
    kamailio-utils-modules nginx-light rtpengine-daemon nghttp2-proxy iproute2"

installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

command -v node >/dev/null && command -v npm >/dev/null || packages="$packages nodejs npm"
"${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"

missing=
for package in $packages; do
    installed "$package" || missing="$missing $package"
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "missing Debian packages; install them as root: apt-get install --no-install-recommends$missing"
        exit $UNAVAILABLE
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
        told=$(DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing 2>&1)
    }
    install || { apt-get update >/dev/null 2>&1 && install; } || {
        say "apt-get could not install$missing:"
        printf '%s\n' "$told" | tail -n 3 >&2
        exit $UNAVAILABLE
    }
fi

if ! cmp -s requirements.lock "$venv/installed.lock"; then
    say "making .venv-real (requirements.lock)"
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.lock || {
        say "pip could not install what is in profiles/kamailio/requirements.lock"
        exit $UNAVAILABLE
    }
    cp requirements.lock "$venv/installed.lock"
fi

if ! cmp -s mf/package-lock.json "$venv/mf/package-lock.json" || [ ! -d "$venv/mf/node_modules" ]; then
    say "installing werift (npm, mf/package-lock.json)"
    mkdir -p "$venv/mf"
    cp mf/package.json mf/package-lock.json "$venv/mf"
    (cd "$venv/mf" && npm ci --silent --no-audit --no-fund) ||
        say "npm could not install werift: configurations e2dce and datachannel will not start"
fi
