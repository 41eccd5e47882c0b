#!/bin/sh
# What make run-esp does inside (boot.sh): our ESP against the kernel's, then the purposes against Kamailio with the kernel's.
set -eu
worst=0
.venv/bin/python profiles/kernel-esp/algorithms.py || worst=1
profiles/kamailio/run.sh "$@" ipsec || {
    status=$?
    [ "$status" -gt "$worst" ] && worst=$status
}
cp profiles/kamailio/expected-esp.json reports/ # as --update wrote it
exit "$worst"
