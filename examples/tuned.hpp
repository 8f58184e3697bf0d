// postprocessing.json: what dcs_tune chose on validation images, and dcs_evaluate and dcs_predict apply (docs/postprocessing.md).
#pragma once

#include "ensemble.hpp"

#include <dcs/image/postprocessing.hpp>

#include <nlohmann/json.hpp>

namespace programs {

/// What was chosen for one way of predicting, and what it reaches on the validation images: with it, and without.
struct tuned_rule {
  dcs::postprocessing rule;
  double temperature = 1;
  double dice = 0, dice_without = 0;
  double calibration_error = 0, calibration_error_without = 0;  // of the pixels with a probability between 0 and 1
  double likelihood = 0, likelihood_without = 0;                // the mean negative log-likelihood of these, in nats
};

/// A file's contents: the choice for the image as it is and for its mirrored views, and which of the two was better.
struct tuning {
  std::string split, checkpoint;
  std::int64_t images = 0;
  std::vector<std::string> weights;  // the CRC-32C of each run's file of weights, in hexadecimal
  int side = 0;                      // the size at which components were counted
  bool augmented = false;            // whether the mirrored views reach a larger Dice
  tuned_rule one_view, mirrored_views;
  const tuned_rule& rule(bool of_mirrored_views) const { return of_mirrored_views ? mirrored_views : one_view; }
};

/// The checksums of the runs' weights that a tuning is for.
std::vector<std::string> weights_of(const ensemble& runs);

nlohmann::json to_json(const tuning& t);
/// Reads a file. Throws dcs::error, naming the file, where it cannot be read, lacks something, has an unknown key or a number out of range.
tuning read_tuning(const std::string& path);

/// What masks are made by: a tuning, where there is one, and whether images are predicted in mirrored views.
struct finished_how {
  std::optional<tuning> chosen;
  bool augmented = false;
  /// The rule; none without a tuning.
  const tuned_rule* rule() const { return chosen ? &chosen->rule(augmented) : nullptr; }
  /// The mask of a prediction at any size.
  dcs::mask mask_of(const dcs::prediction& p) const;
  /// Probabilities at the chosen temperature; as they are without a tuning.
  std::vector<float> calibrated(std::vector<float> probability) const;
  /// The threshold of masks.
  float threshold() const { return chosen ? rule()->rule.threshold : 0.5f; }
};
/// How the flags say that masks are made, and the file in `folder` (empty: there is none) where they name none. A choice of the flags that was worse
/// on validation is said on standard output. Throws dcs::error where the file is of other weights or of another checkpoint.
finished_how finishing_of(const finishing& flags, const ensemble& runs, const std::string& folder);

/// Chooses post-processing, temperature and views on a split, writes postprocessing.json and says what was chosen.
void tune(const tune_request& t);

}  // namespace programs
