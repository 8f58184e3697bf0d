#include "evaluation.hpp"

#include <dcs/image/fusion.hpp>
#include <dcs/image/overlay.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>
#include <dcs/metrics/threshold.hpp>
#include <dcs/metrics/uncertainty.hpp>

#include <filesystem>

namespace programs {

namespace fs = std::filesystem;

namespace {

fs::path overlays_of(const std::string& run) { return fs::path(run) / "overlays"; }

dcs::box<double> widened(const dcs::box<float>& b) {
  return {static_cast<double>(b.x1), static_cast<double>(b.y1), static_cast<double>(b.x2), static_cast<double>(b.y2)};
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
std::vector<dcs::scored_box> lesion_boxes_of(const dcs::prediction& found, const finished_how& finish) {
  const dcs::label_map lesions = dcs::connected_components(finish.mask_of(found));
  const auto boxes = dcs::labelled_objects<float>(lesions, nullptr, 1);
  const auto scores = dcs::lesion_scores(lesions, finish.calibrated(found.probability));
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

evaluation::evaluation(const evaluate_request& request, const finished_how& finish, std::string folder, const dcs::folder_dataset& data)
    : request_(request), finish_(finish), folder_(std::move(folder)), data_(data) {
  for (std::int64_t i = 0; i < data.size(); ++i) names_.push_back(data.name(i));
  groups_ = groups_of(names_, request.how);
  if (request.overlays <= 0) return;
  dcs::io::create_folders(overlays_of(folder_).string(), "dcs::run");
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

// Measures an image as finished in one way.
void evaluation::measure(measured_set& set, const finished_how& finish, std::int64_t i, const dcs::sample& s, const dcs::prediction& found) {
  const dcs::lesion_options how = lesion_options_of(s);
  const dcs::mask truth = request_.native ? data_.native_truth(i) : s.truth;
  dcs::prediction at_size = found.checked(s.name, truth.height, truth.width);
  const dcs::mask predicted = finish.mask_of(at_size);
  at_size.probability = finish.calibrated(std::move(at_size.probability));
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
  set.images.push_back(std::move(r));
  set.lesion_boxes.push_back(lesion_boxes_of(found, finish));
}

void evaluation::add(std::int64_t i, const dcs::sample& s, const dcs::prediction& found, const std::vector<dcs::prediction>& views) {
  measure(finished_, finish_, i, s, found);
  if (finish_.chosen) measure(plain_, {}, i, s, found);
  if (views.size() > 1) confidences_.push_back(confidences_json(s, found, views));
  detections_.push_back(found.detections.size());
  if (i < request_.overlays)
    dcs::io::write_png((overlays_of(folder_) / (pictures_[static_cast<std::size_t>(i)] + ".png")).string(),
                       dcs::draw_overlay(s.pixels, s.truth, finish_.mask_of(found), dcs::boxes_of(found.detections)));
}

// Of each lesion that is predicted at the network's size, how sure the views are.
json evaluation::confidences_json(const dcs::sample& s, const dcs::prediction& found, const std::vector<dcs::prediction>& views) const {
  const dcs::prediction at_size = found.checked(s.name, s.truth.height, s.truth.width);
  json list = json::array();
  for (const auto& c : dcs::lesion_confidences(dcs::connected_components(finish_.mask_of(at_size)), finish_.calibrated(at_size.probability),
                                               dcs::deviation_of(views), views, finish_.threshold()))
    list.push_back({{"probability", c.probability}, {"deviation", c.deviation}, {"agreement", c.agreement}});
  return list;
}

// Whether predicted boxes are the network's own.
bool evaluation::detects() const {
  return request_.boxes == "detected" && std::any_of(detections_.begin(), detections_.end(), [](std::size_t n) { return n > 0; });
}

std::vector<dcs::image_result> evaluation::results(const measured_set& set) const {
  auto all = set.images;
  if (!detects())
    for (std::size_t i = 0; i < all.size(); ++i) all[i].predicted_boxes = set.lesion_boxes[i];
  return all;
}

json evaluation::figures(const std::vector<dcs::image_result>& results) const {
  return figures_json(dcs::figures_of(results, request_.how.sizes), dcs::bootstrap(dcs::numbers_of_groups(groups_), request_.how.bootstrap));
}

namespace {

dcs::mean_metrics mean_of(const std::vector<dcs::image_result>& results) {
  std::vector<dcs::segmentation_metrics> metrics;
  for (const auto& r : results) metrics.push_back(r.metrics);
  return dcs::mean_of(metrics);
}
void print_mean(const char* what, const dcs::mean_metrics& mean) {
  std::printf("%sdice=%.4f iou=%.4f precision=%.4f hd95=%.2f missed=%lld images=%lld", what, mean.dice, mean.iou, mean.precision, mean.hd95,
              static_cast<long long>(mean.missed), static_cast<long long>(mean.images));
}
json rule_json(const tuned_rule& r) {
  return {{"threshold", r.rule.threshold}, {"smallest_component", r.rule.smallest}, {"most_components", r.rule.most}, {"temperature", r.temperature}};
}

}  // namespace

void evaluation::write() const {
  const auto results = this->results(finished_);
  const auto mean = mean_of(results);
  const double threshold = dcs::best_threshold_dice(data_);
  const json figures = this->figures(results);
  json images = json::array();
  for (std::size_t i = 0; i < results.size(); ++i) {
    images.push_back(to_json(results[i]));
    images.back()["detections"] = detections_[i];
    if (!confidences_.empty()) images.back()["confidence"] = confidences_[i];
  }
  json j{{"split", dcs::json_name(request_.split)},
         {"boxes", request_.boxes},
         {"test_time_augmentation", finish_.augmented},
         {"native_size", request_.native},
         {"settings", to_json(request_.how, millimetres_.value_or(false))},
         {"mean", to_json(mean)},
         {"without_detection", std::count(detections_.begin(), detections_.end(), std::size_t{0})},
         {"threshold_dice", threshold},
         {"figures", figures},
         {"groups", groups_json(results)},
         {"images", images}};
  if (request_.runs.size() > 1)
    for (const auto& run : request_.runs) j["runs"].push_back(dcs::json_name(run));
  std::optional<dcs::mean_metrics> without;
  if (finish_.chosen) {
    const auto plain = this->results(plain_);
    without = mean_of(plain);
    j["postprocessing"] = rule_json(*finish_.rule());
    j["without_postprocessing"] = {{"mean", to_json(*without)}, {"figures", this->figures(plain)}};
  }
  dcs::write_text((fs::path(folder_) / "evaluation.json").string(), j.dump(2) + "\n");
  print_figures(figures, request_.how.bootstrap);
  if (without) print_mean("without post-processing: ", *without), std::printf("\n");
  print_mean("", mean);
  std::printf(" threshold_dice=%.4f\n", threshold);
}

void evaluate(const evaluate_request& e) {
  dcs::expect(e.runs.size() == 1 || !e.out.empty(), "--out is required with several runs: the folder for evaluation.json");
  const bool in_truth = e.boxes == "truth";
  dcs::expect(!in_truth || e.finish.postprocessing.empty(), "--postprocessing: it was chosen for detected boxes; not with --boxes truth");
  const ensemble runs(e);
  const std::string folder = e.out.empty() ? runs.run(0) : e.out;
  // One run's tuning is beside its weights, wherever its results go.
  const finished_how finish = in_truth ? finished_how{} : finishing_of(e.finish, runs, e.runs.size() == 1 ? runs.run(0) : folder);
  const ensemble_data data(runs, e.data, e.split, e.limits, e.skip_bad);
  report_left_out(data.first());
  dcs::io::create_folders(folder, "dcs::evaluate");
  evaluation result(e, finish, folder, data.first());
  for (std::int64_t i = 0; i < data.first().size(); ++i) {
    const auto samples = data.load(i);
    const auto views = in_truth ? std::vector{runs.in_true_boxes(samples[0])} : runs.views(samples, finish.augmented);
    result.add(i, samples[0], dcs::fused_prediction(views), views);
  }
  result.write();
}

}  // namespace programs
