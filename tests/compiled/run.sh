#!/usr/bin/env bash
# run.sh INCLUDED COMPILED OBJECT...: the program every_op built with the headers alone and with dcs::compiled prints the same bits under every instruction set, and the
# objects of the second have nothing that is the archive's: no kernel, and no entry point of an op. What they may have are the kernels of an expression
# that every_op writes for the purpose, which no list has (expr/common.hpp).
set -euo pipefail
included=$1 compiled=$2
shift 2
status=0
for isa in portable avx2 avx512 avx512_bf16; do
  if ! text=$(DCS_ISA=$isa "$included" 2>&1); then
    grep -q "this processor does not have it" <<<"$text" && { echo "$isa: this processor does not have it"; continue; }
    echo "$isa: $text" && exit 1
  fi
  if difference=$(diff <(echo "$text") <(DCS_ISA=$isa "$compiled")); then
    echo "$isa: $(wc -l <<<"$text") results have the same bits"
  else
    echo "$isa: results differ"; echo "$difference"; status=1
  fi
done
defined=$(nm -C "$@" | grep -E '^[0-9a-f]+ [TtWwuVv] ' | cut -d' ' -f3-)
[ "$(grep -c "main" <<<"$defined")" -gt 0 ] || { echo "nm finds no symbols"; exit 1; }
# Kernels: all but those of the expression that every_op makes up.
kernels=$(grep -E "dcs::(portable|avx2|avx512)::" <<<"$defined" | grep -vE "chain_(forward|backward)<dcs::expr::call<dcs::functions::sub, dcs::expr::call<dcs::functions::div, dcs::expr::call<dcs::functions::sigmoid, " || true)
# Entry points: functions of dcs::cpu and bodies without shapes, but those of the expressions.
entries=$(grep -E "^([^(<]*(<[^(]*>)? )?(dcs::cpu::[a-z0-9_]+|dcs::add_into|dcs::nms|dcs::match|dcs::paste|dcs::sample_boxes|dcs::measure|dcs::hausdorff_95|dcs::io::read_[a-z]+|dcs::detail::run_[a-z_]+)<" <<<"$defined" |
  grep -vE "dcs::cpu::(parallel_(for|chunks)|chain_(forward|backward)|roi_map|roi_crops)<|run_chain<dcs::expr::call<dcs::functions::sub, dcs::expr::call<dcs::functions::div, |run_chain<.*lambda" || true)
for found in "$kernels" "$entries"; do
  [ -z "$found" ] && continue
  echo "compiled again, though the archive should have it:"; echo "$found"; status=1
done
exit $status
