#include "evaluation.hpp"

#include <dcs/image/overlay.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>
#include <dcs/metrics/threshold.hpp>

#include <filesystem>
#include <map>

namespace programs {

namespace fs = std::filesystem;
using dcs::json;

namespace {

json to_json(const dcs::segmentation_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}};
}
json to_json(const dcs::mean_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}, {"images", m.images}};
}
fs::path overlays_of(const std::string& run) { return fs::path(run) / "overlays"; }
std::vector<dcs::box<float>> boxes_of(const dcs::prediction& found) {
  std::vector<dcs::box<float>> boxes;
  for (const auto& d : found.detections) boxes.push_back(d.box);
  return boxes;
}

}  // namespace

evaluation::evaluation(const evaluate_request& request, const dcs::folder_dataset& data) : request_(request), data_(data) {
  if (request.overlays <= 0) return;
  dcs::io::create_folders(overlays_of(request.run).string(), "dcs::run");
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < data.size(); ++i) names.push_back(data.name(i));
  pictures_ = dcs::picture_names(names);
}

void evaluation::add(std::int64_t i, const dcs::sample& s, const dcs::prediction& found) {
  undetected_ += found.detections.empty();
  if (request_.native) {
    const dcs::mask truth = data_.native_truth(i);
    all_.push_back(dcs::measure(found.above(truth.height, truth.width), truth));
  } else {
    all_.push_back(dcs::measure(found.above(), s.truth));
  }
  json entry = to_json(all_.back());
  entry["name"] = dcs::json_name(s.name);
  entry["detections"] = found.detections.size();
  images_.push_back(entry);
  if (i < request_.overlays)
    dcs::io::write_png((overlays_of(request_.run) / (pictures_[static_cast<std::size_t>(i)] + ".png")).string(),
                       dcs::draw_overlay(s.pixels, s.truth, found.above(), boxes_of(found)));
}

void evaluation::write() const {
  const auto mean = dcs::mean_of(all_);
  const double threshold = dcs::best_threshold_dice(data_);
  json j{{"split", dcs::json_name(request_.split)},
         {"boxes", request_.boxes},
         {"test_time_augmentation", request_.augmented},
         {"native_size", request_.native},
         {"mean", to_json(mean)},
         {"without_detection", undetected_},
         {"threshold_dice", threshold},
         {"images", images_}};
  dcs::write_text((fs::path(request_.run) / "evaluation.json").string(), j.dump(2) + "\n");
  std::printf("dice=%.4f iou=%.4f precision=%.4f hd95=%.2f missed=%lld images=%lld threshold_dice=%.4f\n", mean.dice, mean.iou, mean.precision,
              mean.hd95, static_cast<long long>(mean.missed), static_cast<long long>(mean.images), threshold);
}

namespace {

std::string result_of(const predict_request& p, const std::string& image, const char* kind) {
  return (fs::path(p.out) / fs::path(image).stem()).string() + kind;
}
void expect_own_results(const predict_request& p) {
  std::map<std::string, std::string> stems;
  for (const auto& path : p.images) {
    const auto [it, is_new] = stems.emplace(fs::path(path).stem().string(), path);
    dcs::expect(is_new, path, ": its results would have the names of those of ", it->second);
  }
  std::map<fs::path, std::string> inputs;
  for (const auto& path : p.images) inputs.emplace(fs::weakly_canonical(path), path);
  for (const auto& path : p.images)
    for (const char* kind : {".mask.png", ".overlay.png"}) {
      const auto input = inputs.find(fs::weakly_canonical(result_of(p, path, kind)));
      if (input != inputs.end()) dcs::fail(input->second, ": the results of ", path, " would overwrite it; another --out keeps it");
    }
}

}  // namespace

void write_predictions(const predict_request& p, int side, const std::function<dcs::prediction(const dcs::sample&)>& segment) {
  expect_own_results(p);
  dcs::io::create_folders(p.out, "dcs::predict");
  for (const auto& path : p.images) {
    const dcs::image original = dcs::io::read_image(path, p.limits);
    const dcs::sample s{path,
                        dcs::resize(original, side, side),
                        {side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side) * static_cast<std::size_t>(side), 0)},
                        original.height,
                        original.width};
    const auto found = segment(s);
    const dcs::mask m = found.above(original.height, original.width);
    dcs::io::write_mask(result_of(p, path, ".mask.png"), m);
    dcs::io::write_png(result_of(p, path, ".overlay.png"), dcs::draw_overlay(s.pixels, {}, found.above(), boxes_of(found)));
    std::printf("%s: %zu detections, %lld pixels\n", dcs::printable(path).c_str(), found.detections.size(), static_cast<long long>(m.count()));
    for (const auto& d : found.detections)
      std::printf("  score %.3f  box %.1f %.1f %.1f %.1f of %d × %d\n", static_cast<double>(d.score), static_cast<double>(d.box.x1),
                  static_cast<double>(d.box.y1), static_cast<double>(d.box.x2), static_cast<double>(d.box.y2), side, side);
  }
}

}  // namespace programs
