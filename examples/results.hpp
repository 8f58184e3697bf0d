// evaluation.json: what dcs_evaluate writes of measured images, and dcs_compare and dcs_report read (docs/results.md).
#pragma once

#include "measuring.hpp"

#include <dcs/metrics/comparison.hpp>

#include <nlohmann/json.hpp>

namespace programs {

using json = nlohmann::json;

/// The figures that the programs show where none are asked for.
inline const std::vector<std::string> main_figures{"image.dice",
                                                   "image.iou",
                                                   "image.precision",
                                                   "image.recall",
                                                   "image.hd95",
                                                   "image.assd",
                                                   "image.surface_dice",
                                                   "detection.sensitivity",
                                                   "detection.precision",
                                                   "detection.f1",
                                                   "detection.froc_mean",
                                                   "box.ap50",
                                                   "box.ap",
                                                   "pixel.ece"};

json to_json(const dcs::image_result& r);
/// `millimetres`: each image was measured with the spacing that its set states.
json to_json(const measuring& m, bool millimetres);
json to_json(const dcs::mean_metrics& m);

/// The figures with their intervals: those that the images define; of strata that have a lesion.
json figures_json(const std::vector<dcs::figure>& figures, const dcs::bootstrap& resampled);
/// The means of the images of each group, in the order in which groups occur first; empty where no image has a group.
json groups_json(const std::vector<dcs::image_result>& images);

/// evaluation.json as it stands. It has every lesion and box of a set, hence more than a configuration: at most 4 GiB. Throws dcs::error, naming the
/// file, where it cannot be read.
json evaluation_json(const std::string& path);

/// An evaluation that was read.
struct stored_evaluation {
  std::string path;
  json settings;             // how images were measured, without what only intervals depend on
  std::string method;        // what masks were made by, which is a part of what is compared: views, threshold, components, temperature
  bool native_size = false;  // measured at the images' own size, while boxes are of the network's
  measuring how;
  std::vector<dcs::image_result> images;  // by name
};
/// Reads RUN/evaluation.json, or the file RUN. Throws dcs::error, naming the file, where it cannot be read, lacks something, or contradicts itself.
stored_evaluation read_evaluation(const std::string& run);

}  // namespace programs
