#!/usr/bin/env bash
# floors.sh SOURCE: the folders of include/dcs have one order, and a header includes only its own folder and those before it. Headers in include/dcs itself
# (dcs.hpp, kernels.cuh) may include all folders, and no folder includes them. The test also shows that it fails for two wrong includes.
#
# image/ and io/ stand before nn/: a state dict is written as safetensors, and no file format needs a layer.
set -euo pipefail
floors="core cpu cuda grad expr ops image io nn data loss metrics detect models onnx optim train interop"
check() {
  (cd "$1" && grep -rnoE '^ *#include <dcs/[^>]+>|^ *#define DCS_KERNELS <dcs/[^>]+>' dcs) | awk -v floors="$floors" '
    BEGIN { n = split(floors, name, " "); for (i = 1; i <= n; ++i) floor[name[i]] = i }
    {
      split($0, part, ":"); split(part[1], from, "/"); target = $0; sub(/.*<dcs\//, "", target); sub(/>.*/, "", target); split(target, to, "/")
      if (from[2] ~ /\./) next
      if (!(from[2] in floor)) { print part[1] ": the folder " from[2] " is on no floor"; wrong = 1; next }
      if (to[1] ~ /\./ || !(to[1] in floor) || floor[to[1]] > floor[from[2]]) { print part[1] ":" part[2] ": " from[2] "/ includes <dcs/" target ">, which stands above it"; wrong = 1 }
    }
    END { exit wrong }'
}
source=$(cd "$1" && pwd)/include
status=0
check "$source" || status=1
# Two errors that must be found: an include of a later folder, and one of a header that stands in include/dcs itself.
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
for include in models/unet/unet.hpp dcs.hpp; do
  mkdir -p "$trial/dcs/loss"
  echo "#include <dcs/$include>" >"$trial/dcs/loss/wrong.hpp"
  if check "$trial" >/dev/null; then echo "an include of <dcs/$include> in loss/ is not found"; status=1; fi
done
[ $status = 0 ] && echo "$(grep -rc '#include <dcs/' "$source/dcs" | awk -F: '{ n += $2 } END { print n }') includes, all of their own floor or of one before it"
exit $status
