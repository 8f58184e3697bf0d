#!/usr/bin/env bash
# own_network.sh PROGRAMS FOLDER SOURCE ARCHIVE COMPILER [FLAGS [RELEASE_FLAGS]]: a network that is in no file of the tree becomes one of the programs, by a file that
# DCS_NETWORK_FILES names and nothing else: it trains, lists its own flags, is resumed, evaluated, and predicts. Exit code 77: the programs
# of PROGRAMS were not built.
set -u
source=$(cd "$3" && pwd) archive=$4 compiler=$5 flags=${6:-} release=${7:--O1}
. "$(dirname "$0")/common.sh"

# The page in docs/ that explains it contains the same file.
mkdir own
awk '/^```cpp mine.cpp$/ { on = 1; next } /^```$/ { on = 0 } on' "$source/docs/your-network.md" >own/mine.cpp
check test -s own/mine.cpp
shallow=$source/tests/programs/own_network/shallow.cpp
launcher=$(command -v ccache || true)
if ! { cmake -S "$source/tests/programs/own_network" -B build -DDCS_SOURCE="$source" -DDCS_ARCHIVE_FILE="$archive" -DCMAKE_CXX_COMPILER="$compiler" \
         -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="$release" -DDCS_NETWORKS= -DDCS_NETWORK_FILES="$folder/own/mine.cpp;$shallow" &&
       cmake --build build --target dcs_train dcs_evaluate dcs_predict; } >built 2>&1; then
  cat built
  wrong "the programs do not build with a network of one's own"
  finish
fi
grep -m1 'warning:' built && wrong "a network of one's own, or the programs, compile with a warning"
synthesize=$bin/dcs_synthesize
bin=$folder/build/examples

works "$synthesize" --out set --kind mri --size 64 --train 8 --val 3 --test 3 --seed 1
works "$bin/dcs_train" --net mine --help
check grep -q -- '--dice ' out
fails "mine" "$bin/dcs_train" --net unet --data set --out x # it is among those that there are
# An error within a network names the layer, as a state dict does.
fails "stage.conv: dcs::conv2d: an image of 2 × 2 is smaller than the 3 × 3 kernel" "$bin/dcs_train" --net shallow --data set --size 64 --out x
works "$bin/dcs_train" --net mine --data set --size 64 --seed 1 --rate 1e-2 --epochs 2 --dice 0.5 --out run
check test "$(head -1 run/results.csv)" = epoch,rate,seconds,total,dice_loss,cross_entropy,val_total,val_dice_loss,val_cross_entropy,dice,iou,precision,hd95,missed
check test "$(rows run | wc -l)" = 2
check grep -q '"dice": 0.5' run/config.json
works "$bin/dcs_train" --resume --out run --epochs 3
check test "$(rows run | wc -l)" = 3
works "$bin/dcs_evaluate" --run run --split test --overlays 1
check grep -qE "$measures" out
fails "mine looks into no boxes" "$bin/dcs_evaluate" --run run --boxes truth
works "$bin/dcs_predict" --run run --out predicted set/test/images/000011.png
check test -s predicted/000011.mask.png

finish
