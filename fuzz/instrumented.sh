#!/bin/sh
# What cargo runs in rustc's place (RUSTC_WORKSPACE_WRAPPER) when the fuzz targets are built: our own crates are given the
# counters and comparisons that libFuzzer is led by (LLVM's SanitizerCoverage; the flags are cargo-fuzz's). Other people's
# crates are left as the tests have them, and so need not be built again. Nothing is instrumented that runs while building.
set -eu
for argument; do
    case "$argument" in
    build_script_* | proc-macro | -vV | -) exec "$@" ;;
    esac
done
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-stack-depth \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Copt-level=1
