#include "predictions.hpp"

#include <dcs/data/coco.hpp>
#include <dcs/data/volumes.hpp>
#include <dcs/image/fusion.hpp>
#include <dcs/image/overlay.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image.hpp>
#include <dcs/io/nifti_writer.hpp>
#include <dcs/io/npy.hpp>
#include <dcs/metrics/uncertainty.hpp>
#include <dcs/train/run/terminal_line.hpp>

#include <filesystem>
#include <map>

namespace programs {

namespace fs = std::filesystem;

namespace {

std::string result_of(const predict_request& p, const prediction_input& i, const std::string& kind) {
  return (fs::path(p.out) / (i.name + kind)).string();
}
std::string slice_overlay(std::int64_t slice) {
  char text[32];
  std::snprintf(text, sizeof text, "_%04lld.overlay.png", static_cast<long long>(slice));
  return text;
}
std::string probability_kind(const predict_request& p, const prediction_input& i) {
  return i.is_volume ? ".probability.nii.gz" : ".probability." + p.probabilities;
}
std::string deviation_kind(const prediction_input& i) { return i.is_volume ? ".deviation.nii.gz" : ".deviation.npy"; }

// 0 for a file that cannot be read: it is named when its turn comes.
std::int64_t slices_of(const predict_request& p, const prediction_input& volume) {
  try {
    return dcs::io::read_nifti_header(volume.path).extents[static_cast<std::size_t>(p.volume.axis)];
  } catch (const dcs::error&) {
    return 0;
  }
}

// Every file that may be written of an input: of a volume there are overlays of those slices alone in which something is found.
std::vector<std::string> results_of(const predict_request& p, const prediction_input& i) {
  std::vector<std::string> all{result_of(p, i, i.is_volume ? ".mask.nii.gz" : ".mask.png")};
  if (!p.probabilities.empty()) all.push_back(result_of(p, i, probability_kind(p, i)));
  if (p.deviation) all.push_back(result_of(p, i, deviation_kind(i)));
  if (!p.overlays) return all;
  if (!i.is_volume) all.push_back(result_of(p, i, ".overlay.png"));
  for (std::int64_t at = 0, slices = i.is_volume ? slices_of(p, i) : 0; at < slices; ++at) all.push_back(result_of(p, i, slice_overlay(at)));
  return all;
}

// Throws where a result would overwrite an input, or another's result.
void expect_own_names(const predict_request& p, const std::vector<prediction_input>& inputs) {
  std::map<fs::path, std::string> files;
  std::map<std::string, std::string> results;
  for (const auto& i : inputs) files.emplace(fs::weakly_canonical(i.path), i.path);
  for (const auto& i : inputs)
    for (const auto& result : results_of(p, i)) {
      const auto input = files.find(fs::weakly_canonical(result));
      if (input != files.end()) dcs::fail(input->second, ": the results of ", i.path, " would overwrite it; another --out keeps it");
      const auto [other, is_new] = results.emplace(result, i.path);
      dcs::expect(is_new, i.path, ": its result ", result, " would have the name of one of ", other->second);
    }
}

// A map of one image as an array.
void write_map(const std::string& path, std::int64_t height, std::int64_t width, const std::vector<float>& values) {
  auto map = dcs::tensor<float, dcs::shape<dcs::dyn<"height">, dcs::dyn<"width">>>::empty({height, width});
  std::copy(values.begin(), values.end(), map.data());
  dcs::io::write_npy(path, map);
}

using segmenting = std::function<segmented(const dcs::image& original, const dcs::sample&)>;

/// Segments inputs one after the other and gathers what was found.
class predicting {
 public:
  predicting(const predict_request& p, const finished_how& finish, int side, const segmenting& segment)
      : p_(p), finish_(finish), side_(side), segment_(segment) {}

  std::vector<found_in_image> found;

  /// An image, or all slices of a volume: nothing is gathered of an input that fails.
  void add(const prediction_input& i) {
    std::vector<found_in_image> of_input;
    if (i.is_volume)
      of_input = slices(i);
    else
      of_input.push_back(single(i));
    found.insert(found.end(), of_input.begin(), of_input.end());
  }

 private:
  struct measured {
    dcs::sample at_side;  // the image as the network saw it
    dcs::prediction at_side_found;
    dcs::mask mask;                             // at the image's own size, as what follows
    std::vector<float> probability, deviation;  // calibrated; the deviation where it is asked for
    found_in_image found;
  };

  measured measured_of(const prediction_input& i, const dcs::image& original, std::optional<dcs::pixel_spacing> spacing, std::int64_t slice) const {
    const auto pixels = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    measured s;
    s.at_side = {i.path, dcs::resize(original, side_, side_), {side_, side_, std::vector<std::uint8_t>(pixels, 0)}, original.height, original.width};
    s.at_side.spacing = spacing;
    auto [found, deviation] = segment_(original, s.at_side);
    const dcs::prediction native = found.checked(i.path, original.height, original.width);
    s.mask = finish_.mask_of(native);
    s.probability = finish_.calibrated(native.probability);
    if (p_.deviation) s.deviation = dcs::prediction{side_, side_, std::move(deviation), {}}.resized(original.height, original.width).probability;
    s.found = {i.path, slice, original.height, original.width, spacing, {}, lesions_of(s, spacing, !i.is_volume)};
    s.at_side_found = std::move(found);
    for (auto d : s.at_side_found.detections) {
      d.box = dcs::clip(dcs::scaled(d.box, side_, side_, original.height, original.width), original.height, original.width);
      s.found.detections.push_back(d);
    }
    return s;
  }

  // The lesions of a mask, with their runs where those are wanted.
  static std::vector<found_lesion> lesions_of(const measured& s, const std::optional<dcs::pixel_spacing>& spacing, bool with_runs) {
    const dcs::label_map lesions = dcs::connected_components(s.mask);
    const auto sizes = dcs::lesion_sizes(lesions), in_mm = spacing ? dcs::lesion_sizes(lesions, *spacing) : std::vector<dcs::lesion_size>();
    const auto scores = dcs::lesion_scores(lesions, s.probability);
    std::vector<found_lesion> all;
    for (std::size_t k = 0; k < sizes.size(); ++k) all.push_back({sizes[k], spacing ? std::optional(in_mm[k]) : std::nullopt, scores[k], {}});
    if (with_runs) {
      auto runs = dcs::detail::runs_of_objects(lesions, static_cast<std::int32_t>(all.size()));
      for (std::size_t k = 0; k < all.size(); ++k) all[k].runs = std::move(runs[k]);
    }
    return all;
  }

  void write_overlay(const std::string& path, const measured& s) const {
    dcs::io::write_png(path, dcs::draw_overlay(s.at_side.pixels, {}, finish_.mask_of(s.at_side_found), dcs::boxes_of(s.at_side_found.detections)));
  }

  found_in_image single(const prediction_input& i) const {
    const measured s = measured_of(i, dcs::io::read_image(i.path, p_.limits), p_.spacing ? p_.spacing : i.spacing, -1);
    dcs::io::write_mask(result_of(p_, i, ".mask.png"), s.mask);
    const std::string probability = result_of(p_, i, probability_kind(p_, i));
    if (p_.probabilities == "png") dcs::io::write_probabilities(probability, s.mask.height, s.mask.width, s.probability);
    if (p_.probabilities == "npy") write_map(probability, s.mask.height, s.mask.width, s.probability);
    if (p_.deviation) write_map(result_of(p_, i, deviation_kind(i)), s.mask.height, s.mask.width, s.deviation);
    if (p_.overlays) write_overlay(result_of(p_, i, ".overlay.png"), s);
    return s.found;
  }

  // A mask and probabilities lie where the volume lies; pictures are of slices in which something was found.
  std::vector<found_in_image> slices(const prediction_input& i) const {
    const std::string header = dcs::io::nifti_header_bytes(i.path);
    const dcs::io::volume v = dcs::io::read_nifti(i.path);
    const dcs::value_range range = dcs::range_of(v, p_.volume);
    const auto spacing = p_.spacing ? p_.spacing : dcs::spacing_of_slices(v, p_.volume.axis);
    std::vector<std::uint8_t> mask(v.values.size());
    std::vector<float> probability(v.values.size()), deviation(p_.deviation ? v.values.size() : 0);
    std::vector<found_in_image> all;
    for (std::int64_t at = 0; at < v.extents[static_cast<std::size_t>(p_.volume.axis)]; ++at) {
      const measured s = measured_of(i, dcs::grey_slice(v, p_.volume.axis, at, range), spacing, at);
      dcs::for_each_voxel_of_slice(v, p_.volume.axis, at, [&](std::int64_t y, std::int64_t x, std::size_t voxel) {
        const auto pixel = static_cast<std::size_t>(y * s.mask.width + x);
        mask[voxel] = s.mask.pixels[pixel], probability[voxel] = s.probability[pixel];
        if (p_.deviation) deviation[voxel] = s.deviation[pixel];
      });
      if (p_.overlays && s.mask.count() > 0) write_overlay(result_of(p_, i, slice_overlay(at)), s);
      all.push_back(s.found);
    }
    dcs::io::write_nifti(result_of(p_, i, ".mask.nii.gz"), header, mask);
    if (!p_.probabilities.empty()) dcs::io::write_nifti(result_of(p_, i, probability_kind(p_, i)), header, probability);
    if (p_.deviation) dcs::io::write_nifti(result_of(p_, i, deviation_kind(i)), header, deviation);
    return all;
  }

  const predict_request& p_;
  const finished_how& finish_;
  int side_;
  const segmenting& segment_;
};

// Lines of an input on standard output, where it is no terminal.
void print_found(const found_in_image& f) {
  std::int64_t pixels = 0;
  for (const auto& l : f.lesions) pixels += l.in_pixels.pixels;
  const std::string slice = f.slice >= 0 ? " slice " + std::to_string(f.slice) : "";
  std::printf("%s%s: %zu detections, %lld pixels\n", dcs::printable(f.path).c_str(), slice.c_str(), f.detections.size(),
              static_cast<long long>(pixels));
  for (const auto& d : f.detections)
    std::printf("  score %.3f  box %.1f %.1f %.1f %.1f of %lld × %lld\n", static_cast<double>(d.score), static_cast<double>(d.box.x1),
                static_cast<double>(d.box.y1), static_cast<double>(d.box.x2), static_cast<double>(d.box.y2), static_cast<long long>(f.width),
                static_cast<long long>(f.height));
}

// Throws where files have failed: a single one's own error; of several each on a line before.
void expect_none_failed(const std::vector<std::string>& failed, std::size_t inputs) {
  if (failed.empty()) return;
  if (failed.size() == 1) dcs::fail(failed[0]);
  for (const auto& line : failed) report(line);
  dcs::fail(failed.size(), " of ", inputs, " files were not segmented");
}

}  // namespace

void write_predictions(const predict_request& p, const finished_how& finish, int side,
                       const std::function<segmented(const dcs::image& original, const dcs::sample&)>& segment) {
  const auto inputs = prediction_inputs(p.images);
  expect_own_names(p, inputs);
  dcs::io::create_folders(p.out, "dcs::predict");
  predicting all(p, finish, side, segment);
  std::vector<std::string> failed;
  dcs::terminal_line line;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::size_t before = all.found.size();
    try {
      all.add(inputs[k]);
    } catch (const std::bad_alloc&) {
      failed.push_back(inputs[k].path + ": out of memory");
    } catch (const dcs::error& e) {
      const std::string what = e.what(), name = dcs::printable(inputs[k].path);
      failed.push_back(what.find(name) == what.npos ? name + ": " + what : what);
    }
    line.show(dcs::progress_bar("images", static_cast<std::int64_t>(k + 1), static_cast<std::int64_t>(inputs.size()), line.columns()));
    if (!line.is_terminal())
      for (std::size_t f = before; f < all.found.size(); ++f) print_found(all.found[f]);
  }
  line.show("");
  write_found(p, finish, all.found);
  expect_none_failed(failed, inputs.size());
}

void predict(const predict_request& p) {
  const ensemble runs(p);
  const finished_how finish = finishing_of(p.finish, runs, runs.size() == 1 ? runs.run(0) : "");
  dcs::expect(!p.deviation || finish.augmented || runs.size() > 1,
              "--deviation: of one run and one view there is none; expected --tta or several runs");
  write_predictions(p, finish, runs.config().side, [&](const dcs::image& original, const dcs::sample& s) {
    const auto views = runs.views(original, s, finish.augmented);
    return segmented{dcs::fused_prediction(views), p.deviation ? dcs::deviation_of(views) : std::vector<float>()};
  });
}

}  // namespace programs
