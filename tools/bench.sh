#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Speed and size as ratios to their goals: ./dev bench [NAME] [-o json]. Exits 1 when a goal is missed.
set -eu
cd "$(dirname "$0")/.."
exec build/release/tests/bench/bench build/snug "$@"
