// What the programs write for predictions of any network: figures and overlays of an evaluation, masks and overlays of images.
#pragma once

#include "results.hpp"
#include "tuned.hpp"

#include <dcs/metrics/figures.hpp>

#include <functional>

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

/// What was predicted of an image at the network's size, and, where it is to be written, each pixel's standard deviation over the views.
struct segmented {
  dcs::prediction found;
  std::vector<float> deviation{};
};
/// Segments the images of a request: each is read, resized to side × side and passed to `segment` with the image at its own size; writes a mask at
/// that size, made as `finish` says, and an overlay for each. Throws dcs::error where results would overwrite each other or an image.
void write_predictions(const predict_request& request, const finished_how& finish, int side,
                       const std::function<segmented(const dcs::image& original, const dcs::sample&)>& segment);
/// Segments images with runs.
void predict(const predict_request& request);

}  // namespace programs
