// What dcs_evaluate writes for predictions of any network: figures and overlays.
#pragma once

#include "session.hpp"

#include <dcs/data/folder.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/metrics/figures.hpp>

namespace programs {

/// The evaluation of a run on a split: overlays/ as images are added, evaluation.json and lines of means at the end.
class evaluation {
 public:
  evaluation(const evaluate_request& request, const dcs::folder_dataset& data);
  /// Adds image `i` of the data, at the network's size, and its prediction.
  void add(std::int64_t i, const dcs::sample& s, const dcs::prediction& found);
  void write() const;

 private:
  bool detects() const;
  dcs::lesion_options lesion_options_of(const dcs::sample& s);
  std::vector<dcs::image_result> results() const;

  const evaluate_request& request_;
  const dcs::folder_dataset& data_;
  std::vector<std::string> names_, groups_, pictures_;
  std::optional<bool> millimetres_;  // whether distances are: the set states each image's spacing
  std::vector<dcs::image_result> images_;
  std::vector<std::vector<dcs::scored_box>> lesion_boxes_;  // of each image's predicted lesions
  std::vector<std::size_t> detections_;                     // how many each image has
};

/// Writes a line for each file that --skip-bad left out.
void report_left_out(const dcs::folder_dataset& data);

}  // namespace programs
