#!/usr/bin/env bash
# Every kernel has a test of its own: the names that headers give to kernels are those of the tests "kernel NAME: ...", each once. Usage: kernels.sh SOURCE
set -euo pipefail
cd "$1"
names=$(grep -rhozP 'name = "\K[a-z0-9_]+(?=";\n *static constexpr int threads)' include --include=*.cuh --include=*.hpp | tr '\0' '\n' | sort)
tests=$(grep -rhoP 'TEST_CASE\("kernel \K[a-z0-9_]+(?=:)' tests --include=*.cpp | sort)
wrong=$(diff <(echo "$names") <(echo "$tests") || true)
if [ -n "$wrong" ]; then
  echo "kernels (<) and tests of kernels (>) differ:"
  echo "$wrong"
  exit 1
fi
echo "$(echo "$names" | wc -l) kernels, each with a test"
