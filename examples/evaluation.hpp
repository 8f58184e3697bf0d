// What dcs_evaluate writes for predictions of any network: figures and overlays.
#pragma once

#include "results.hpp"
#include "tuned.hpp"

#include <dcs/metrics/figures.hpp>

namespace programs {

/// The evaluation of runs on a split: overlays/ as images are added, evaluation.json and lines of means at the end.
class evaluation {
 public:
  /// Results go to `folder`.
  evaluation(const evaluate_request& request, const finished_how& how, std::string folder, const dcs::folder_dataset& data);
  /// Adds image `i` of the data, at the network's size, its prediction, and the views that this was fused from.
  void add(std::int64_t i, const dcs::sample& s, const dcs::prediction& found, const std::vector<dcs::prediction>& views);
  void write() const;

 private:
  // The images measured in one way: finished as `finish` says, or not at all.
  struct measured_set {
    std::vector<dcs::image_result> images;
    std::vector<std::vector<dcs::scored_box>> lesion_boxes;  // of each image's predicted lesions
  };
  bool detects() const;
  dcs::lesion_options lesion_options_of(const dcs::sample& s);
  void measure(measured_set& set, const finished_how& finish, std::int64_t i, const dcs::sample& s, const dcs::prediction& found);
  std::vector<dcs::image_result> results(const measured_set& set) const;
  json figures(const std::vector<dcs::image_result>& results) const;
  json confidences_json(const dcs::sample& s, const dcs::prediction& found, const std::vector<dcs::prediction>& views) const;

  const evaluate_request& request_;
  const finished_how& finish_;
  std::string folder_;
  const dcs::folder_dataset& data_;
  std::vector<std::string> names_, groups_, pictures_;
  std::optional<bool> millimetres_;      // whether distances are: the set states each image's spacing
  measured_set finished_, plain_;        // plain_: where something was chosen, that the finished ones are compared with
  std::vector<json> confidences_;        // of each image's predicted lesions; where there are several views
  std::vector<std::size_t> detections_;  // how many each image has
};

/// Evaluates runs on a split.
void evaluate(const evaluate_request& request);

}  // namespace programs
