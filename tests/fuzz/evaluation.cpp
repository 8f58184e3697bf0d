// examples/results.cpp: what dcs_evaluate wrote, as dcs_compare and dcs_report read it.
#include "target.hpp"

#include "results.hpp"

DCS_FUZZ_TARGET(evaluation) {
  static const fuzz::memory_file file;
  fuzz::accepts([&] { programs::read_evaluation(file.with(bytes)); });
}
