#include "evaluation.hpp"

#include "results.hpp"

#include <dcs/core/finite.hpp>
#include <dcs/image/overlay.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>
#include <dcs/metrics/threshold.hpp>

#include <filesystem>

namespace programs {

namespace fs = std::filesystem;

namespace {

fs::path overlays_of(const std::string& run) { return fs::path(run) / "overlays"; }

dcs::box<double> widened(const dcs::box<float>& b) {
  return {static_cast<double>(b.x1), static_cast<double>(b.y1), static_cast<double>(b.x2), static_cast<double>(b.y2)};
}

// A prediction at the size of the truth that it is measured with.
dcs::prediction at_size_of(const dcs::mask& truth, const dcs::sample& s, const dcs::prediction& found) {
  dcs::prediction at = found.resized(truth.height, truth.width);
  for (float& p : at.probability) {
    dcs::expect(!dcs::is_nan(p), s.name, ": a predicted probability is not a number");
    p = std::clamp(p, 0.0f, 1.0f);  // interpolation rounds
  }
  return at;
}

// The boxes of all true lesions, of those too that are too small to be trained on.
std::vector<dcs::lesion_box> true_boxes_of(const dcs::sample& s) {
  std::vector<std::int32_t> labels(s.truth.pixels.size(), 0);
  const auto boxes = s.objects.empty() ? dcs::labelled_objects(s.truth, labels.data(), 1) : dcs::labelled_objects(s.objects, labels.data(), 1);
  std::vector<dcs::lesion_box> result;
  for (const auto& b : boxes) result.push_back({widened(b), 0});
  for (const std::int32_t label : labels)
    if (label > 0) ++result[static_cast<std::size_t>(label - 1)].pixels;
  return result;
}

// The boxes of the predicted lesions, with the mean probability of their pixels as score: for networks that detect nothing.
std::vector<dcs::scored_box> lesion_boxes_of(const dcs::prediction& found) {
  const dcs::label_map lesions = dcs::connected_components(found.above());
  const auto boxes = dcs::labelled_objects<float>(lesions, nullptr, 1);
  const auto scores = dcs::lesion_scores(lesions, found.probability);
  std::vector<dcs::scored_box> result;
  for (std::size_t k = 0; k < boxes.size(); ++k) result.push_back({widened(boxes[k]), scores[k]});
  return result;
}

// A line for each of the main figures, of all lesions.
void print_figures(const json& figures, const dcs::bootstrap_options& o) {
  std::printf("means with their 95 %% intervals (bootstrap, %lld replicates, seed %llu):\n", static_cast<long long>(o.replicates),
              static_cast<unsigned long long>(o.seed));
  for (const json& f : figures) {
    const bool is_main = std::find(main_figures.begin(), main_figures.end(), f.at("figure").get<std::string>()) != main_figures.end();
    if (!is_main || f.at("stratum") != "all" || f.at("low").is_null()) continue;
    std::printf("%-22s %8.4f  [%.4f, %.4f]\n", f.at("figure").get<std::string>().c_str(), f.at("value").get<double>(), f.at("low").get<double>(),
                f.at("high").get<double>());
  }
}

}  // namespace

void report_left_out(const dcs::folder_dataset& data) {
  for (const auto& fault : data.left_out()) std::printf("left out: %s\n", fault.text().c_str());
}

evaluation::evaluation(const evaluate_request& request, const dcs::folder_dataset& data) : request_(request), data_(data) {
  for (std::int64_t i = 0; i < data.size(); ++i) names_.push_back(data.name(i));
  groups_ = groups_of(names_, request.how);
  if (request.overlays <= 0) return;
  dcs::io::create_folders(overlays_of(request.run).string(), "dcs::run");
  pictures_ = dcs::picture_names(names_);
}

// How the lesions of an image are measured, in one unit for all images.
dcs::lesion_options evaluation::lesion_options_of(const dcs::sample& s) {
  dcs::lesion_options o = request_.how.lesions;
  const auto stated = request_.native ? s.spacing : dcs::spacing_of_pixels(s);
  if (request_.how.spacing) {
    o.surface.spacing = *request_.how.spacing;
    millimetres_ = false;
    return o;
  }
  dcs::expect(millimetres_.value_or(stated.has_value()) == stated.has_value(), s.name, ": spacing.csv of the set ", stated ? "has" : "lacks",
              " this image, and ", stated ? "lacks" : "has", " others before it; expected all or none, or --spacing for all");
  millimetres_ = stated.has_value();
  if (stated) o.surface.spacing = *stated;
  return o;
}

void evaluation::add(std::int64_t i, const dcs::sample& s, const dcs::prediction& found) {
  const dcs::lesion_options how = lesion_options_of(s);
  const dcs::mask truth = request_.native ? data_.native_truth(i) : s.truth;
  const dcs::prediction at_size = at_size_of(truth, s, found);
  const dcs::mask predicted = at_size.above();
  const bool numbered = !request_.native && !s.objects.empty();
  const auto at = static_cast<std::size_t>(i);
  dcs::image_result r{
      names_[at],
      groups_[at],
      dcs::measure(predicted, truth, how.surface),
      dcs::measure_lesions(dcs::connected_components(predicted), numbered ? s.objects : dcs::connected_components(truth), at_size.probability, how),
      true_boxes_of(s),
      {},
      dcs::calibration_bins(request_.how.bins)};
  r.calibration.add(at_size.probability, truth);
  for (const auto& d : found.detections) r.predicted_boxes.push_back({widened(d.box), static_cast<double>(d.score)});
  images_.push_back(std::move(r));
  lesion_boxes_.push_back(lesion_boxes_of(found));
  detections_.push_back(found.detections.size());
  if (i < request_.overlays)
    dcs::io::write_png((overlays_of(request_.run) / (pictures_[at] + ".png")).string(),
                       dcs::draw_overlay(s.pixels, s.truth, found.above(), dcs::boxes_of(found.detections)));
}

// Whether predicted boxes are the network's own.
bool evaluation::detects() const {
  return request_.boxes == "detected" && std::any_of(detections_.begin(), detections_.end(), [](std::size_t n) { return n > 0; });
}

std::vector<dcs::image_result> evaluation::results() const {
  auto all = images_;
  if (!detects())
    for (std::size_t i = 0; i < all.size(); ++i) all[i].predicted_boxes = lesion_boxes_[i];
  return all;
}

void evaluation::write() const {
  const auto results = this->results();
  std::vector<dcs::segmentation_metrics> metrics;
  for (const auto& r : results) metrics.push_back(r.metrics);
  const auto mean = dcs::mean_of(metrics);
  const double threshold = dcs::best_threshold_dice(data_);
  const json figures =
      figures_json(dcs::figures_of(results, request_.how.sizes), dcs::bootstrap(dcs::numbers_of_groups(groups_), request_.how.bootstrap));
  json images = json::array();
  for (std::size_t i = 0; i < results.size(); ++i) {
    images.push_back(to_json(results[i]));
    images.back()["detections"] = detections_[i];
  }
  json j{{"split", dcs::json_name(request_.split)},
         {"boxes", request_.boxes},
         {"test_time_augmentation", request_.augmented},
         {"native_size", request_.native},
         {"settings", to_json(request_.how, millimetres_.value_or(false))},
         {"mean", to_json(mean)},
         {"without_detection", std::count(detections_.begin(), detections_.end(), std::size_t{0})},
         {"threshold_dice", threshold},
         {"figures", figures},
         {"groups", groups_json(results)},
         {"images", images}};
  dcs::write_text((fs::path(request_.run) / "evaluation.json").string(), j.dump(2) + "\n");
  print_figures(figures, request_.how.bootstrap);
  std::printf("dice=%.4f iou=%.4f precision=%.4f hd95=%.2f missed=%lld images=%lld threshold_dice=%.4f\n", mean.dice, mean.iou, mean.precision,
              mean.hd95, static_cast<long long>(mean.missed), static_cast<long long>(mean.images), threshold);
}

}  // namespace programs
