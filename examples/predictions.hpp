// What dcs_predict writes: of each image a mask, probabilities and an overlay; of all together boxes, lesions and their sizes.
#pragma once

#include "prediction_inputs.hpp"
#include "tuned.hpp"

#include <dcs/data/sample.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/metrics/lesion_size.hpp>

#include <functional>

namespace programs {

/// A predicted lesion at the image's own size.
struct found_lesion {
  dcs::lesion_size in_pixels;
  std::optional<dcs::lesion_size> in_mm;  // where the size of pixels is known
  double score = 0;                       // the mean probability of its pixels
  std::vector<std::int64_t> runs;         // its mask as COCO's runs; none of a volume's slice, which is no image of COCO's
};
/// What was found in an image, or in a slice of a volume.
struct found_in_image {
  std::string path;
  std::int64_t slice = -1;  // of a volume, from 0; −1: an image
  std::int64_t height = 0, width = 0;
  std::optional<dcs::pixel_spacing> spacing{};      // in mm, where known
  std::vector<dcs::detection<float>> detections{};  // at the image's own size
  std::vector<found_lesion> lesions{};
};

/// Where the results of a call stand.
struct prediction_files {
  explicit prediction_files(const std::string& out);
  std::string json, coco, csv;
};
/// Writes predictions.json, coco.json and lesions.csv of a call (docs/predicting.md). Throws dcs::error where the disk does not take one.
void write_found(const predict_request& request, const finished_how& finish, const std::vector<found_in_image>& found);

/// What was predicted of an image at the network's size, and, where it is to be written, each pixel's standard deviation over the views.
struct segmented {
  dcs::prediction found;
  std::vector<float> deviation{};
};

/// Segments the images of a request: each is read, resized to side × side and passed to `segment` with the image at its own size; slices of a volume
/// are images. Masks are made, and probabilities calibrated, as `finish` says. Writes what the request asks for, and write_found at the end. A file
/// that fails does not stop the others: each is named on stderr at the end, and dcs::error is thrown. Throws dcs::error before anything is written
/// where results would overwrite each other or an input.
void write_predictions(const predict_request& request, const finished_how& finish, int side,
                       const std::function<segmented(const dcs::image& original, const dcs::sample&)>& segment);
/// Segments images with runs.
void predict(const predict_request& request);

}  // namespace programs
