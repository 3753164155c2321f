#!/usr/bin/env bash
# Runs the benches of single stages: every program of tests/bench but the loop that
# bench_daemon.py needs.  CARETAKER says which build, as for all benches.
set -euo pipefail
caretaker=${CARETAKER:-build/release/caretaker}
for source in "$(dirname "$0")"/bench_*.c; do
    program=$(dirname "$caretaker")/tests/bench/$(basename "$source" .c)
    [[ $program == */bench_libmodbus_loop ]] || "$program"
done
