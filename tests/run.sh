#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test. Usage: bash tests/run.sh [jobs]
set -euo pipefail
cd "$(dirname "$0")/.."
bash cmake/packages.sh ccache doxygen clang clang-format
jobs=${1:-$(nproc)}
cmake --preset release "-DDCS_NETWORKS=small-scratch;unet-16;unet++-8;attention-unet-16;mask-rcnn-small-scratch"
cmake --build build/release -j "$jobs"
ctest --test-dir build/release --output-on-failure -j "$jobs"
