#!/bin/sh
# Makes .venv and installs what is pinned in requirements.lock; says each step. May be run again at any time.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

as_root_install() {  # package: installs it through apt, or says why not
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        return 1
    fi
    say "installing $1 (apt-get)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1 && return
    apt-get update >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1
}

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "$python is missing or older than 3.11; install Python 3.11 or newer, or set PYTHON=/path/to/python"
    exit 1
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "making .venv with $("$python" --version)"
    if ! "$python" -m venv .venv 2>/dev/null; then
        as_root_install python3-venv || true
        "$python" -m venv --clear .venv || {
            say "Python's venv module is missing; install it (apt-get install python3-venv) and try again"
            exit 1
        }
    fi
fi

say "installing the pinned packages (requirements.lock)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
say "installing imsproof itself"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

if command -v tshark >/dev/null && command -v dumpcap >/dev/null; then
    say "tshark and dumpcap are there"
elif as_root_install tshark; then
    say "tshark and dumpcap are installed"
else
    say "tshark and dumpcap are missing and cannot be installed here; captures are written from the tester's own tap"
fi
if [ "${IMSPROOF_ALLURE:-yes}" = no ] || ! command -v npm >/dev/null; then
    say "no npm (or IMSPROOF_ALLURE=no): runs write Allure results, but no Allure report"
elif [ -x node_modules/.bin/allure ] && [ node_modules/.bin/allure -nt package-lock.json ]; then
    say "the Allure report generator is there"
else
    say "installing the Allure report generator (npm, package-lock.json)"
    if npm ci --silent --no-audit --no-fund >/dev/null 2>&1; then
        touch -h node_modules/.bin/allure
    else
        say "npm could not install it; runs write Allure results, but no Allure report"
    fi
fi
say "done: .venv/bin/imsproof"
