// The runs that a program predicts with: one, or several, whose views of an image are fused.
#pragma once

#include "session.hpp"

namespace programs {

class ensemble {
 public:
  /// Loads the runs of a request. Throws dcs::error where there is none, one stands twice, or one cannot be loaded.
  explicit ensemble(const members_request& r);

  std::size_t size() const { return members_.size(); }
  /// The configuration of a run; the size of the first one is that of all predictions.
  const dcs::run_config& config(std::size_t k = 0) const { return members_[k].config; }
  const std::string& run(std::size_t k) const { return members_[k].run; }
  const std::string& checkpoint() const { return checkpoint_; }
  /// The file of a run's weights.
  std::string weights(std::size_t k) const;

  /// Predictions of one image, given at the size of each run: with `augmented` the mirrored views of the first run, of the second …; else one of each
  /// run. All are at the first run's size.
  std::vector<dcs::prediction> views(const std::vector<dcs::sample>& of_each, bool augmented) const;
  /// The same of an image that is in no data set; `s` is the image at the first run's size.
  std::vector<dcs::prediction> views(const dcs::image& original, const dcs::sample& s, bool augmented) const;
  /// The prediction of a single run inside the true boxes. Throws dcs::error for several runs, or a network that looks into no boxes.
  dcs::prediction in_true_boxes(const dcs::sample& s) const;

 private:
  struct member {
    std::string run;
    dcs::run_config config;
    std::unique_ptr<session> network;
  };
  std::string checkpoint_;
  std::vector<member> members_;
};

/// A split as the runs of an ensemble read it, each at its size.
class ensemble_data {
 public:
  /// `data`: the set's folder; empty: that of the first run. Throws dcs::error where a file of the split cannot be used and is not to be skipped.
  ensemble_data(const ensemble& runs, const std::string& data, const std::string& split, const dcs::io::image_limits& limits, bool skip_bad);
  /// The split at the first run's size.
  const dcs::folder_dataset& first() const { return sets_[0]; }
  /// Image i at the size of each run.
  std::vector<dcs::sample> load(std::int64_t i) const;

 private:
  std::vector<dcs::folder_dataset> sets_;  // one for each size
  std::vector<std::size_t> set_of_run_;
};

}  // namespace programs
