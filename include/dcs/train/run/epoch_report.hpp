// What a run says of an epoch: a row of results.csv, and a line on standard output.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/loop.hpp>
#include <dcs/train/run/results.hpp>

#include <cstdio>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Columns of a network's results.csv: epoch, rate, seconds, the losses of training with what was counted, those of validation, measures. Throws
/// dcs::error where a loss term or a count has the name of another column.
template <segmenter Net>
std::string results_head() {
  std::string head = "epoch,rate,seconds,total";
  for (const char* term : Net::loss_terms) head += std::string(",") + term;
  for (const char* count : count_names_of<Net>()) head += std::string(",") + count;
  head += ",val_total";
  for (const char* term : Net::loss_terms) head += std::string(",val_") + term;
  head += ",dice,iou,precision,hd95,missed";
  expect_distinct_columns(head);
  return head;
}
/// A row's values after epoch, rate and seconds.
inline std::vector<double> result_values(const step_losses& trained, const step_losses& validated, const mean_metrics& m) {
  std::vector<double> values{trained.total};
  values.insert(values.end(), trained.terms.begin(), trained.terms.end());
  values.insert(values.end(), trained.counts.begin(), trained.counts.end());
  values.push_back(validated.total);
  values.insert(values.end(), validated.terms.begin(), validated.terms.end());
  values.insert(values.end(), {m.dice, m.iou, m.precision, m.hd95, static_cast<double>(m.missed)});
  return values;
}

/// The results of an epoch.
struct epoch_report {
  int epoch = 0, epochs = 0;  // its number from 1, and how many the run has
  step_losses trained, validated;
  mean_metrics metrics;
  double rate = 0, seconds = 0;
  bool best = false;
};
/// One line of an epoch, on standard output.
inline void print_epoch(const epoch_report& e) {
  std::printf("epoch %d/%d  loss %.4f  val %.4f  dice %.4f  iou %.4f  hd95 %.2f  missed %lld/%lld  rate %.1e  %.0f s%s\n", e.epoch, e.epochs,
              e.trained.total, e.validated.total, e.metrics.dice, e.metrics.iou, e.metrics.hd95, static_cast<long long>(e.metrics.missed),
              static_cast<long long>(e.metrics.images), e.rate, e.seconds, e.best ? "  best" : "");
  std::fflush(stdout);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
