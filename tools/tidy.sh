#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over src/ with the compile commands of a build: tidy.sh BUILD [FILE...]
set -euo pipefail
build=$1
shift
[ $# -gt 0 ] || set -- src/*/*.c
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" 2>&1 |
    { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed |^Use -header-filter' || true; }
exit "${PIPESTATUS[1]}"
