// All figures of a set of measured images, by size of the lesions, each as a statistic that the bootstrap can compute again from drawn images. Their
// definitions are in docs/results.md.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/metrics/average_precision.hpp>
#include <dcs/metrics/calibration.hpp>
#include <dcs/metrics/froc.hpp>
#include <dcs/metrics/lesions.hpp>

#include <functional>
#include <memory>
#include <string>

DCS_EXACT_MATH
namespace dcs {

/// The box of a true lesion, which has so many pixels, and a predicted box.
struct lesion_box {
  dcs::box<double> box;
  std::int64_t pixels = 0;
};
struct scored_box {
  dcs::box<double> box;
  double score = 0;
};

/// A measured image. Boxes are those of object_boxes: grown by a margin of 5 pixels.
struct image_result {
  std::string name, group;
  segmentation_metrics metrics;
  image_lesions lesions;
  std::vector<lesion_box> true_boxes;
  std::vector<scored_box> predicted_boxes;
  calibration_bins calibration{};
};

/// A figure of a set in a stratum: its name, for example `image.dice`, and its value. Figures that are Σ part / Σ whole over images (means over
/// images or lesions, and the sensitivity) have these sums as `mean`; others have none.
struct figure {
  std::string name;
  dcs::stratum stratum = stratum::all;
  std::function<std::optional<double>(multiplicities)> value;
  std::shared_ptr<const ratio_of_sums> mean{};
};

namespace detail {

inline double largest_lesion(const image_result& r) {
  std::int64_t most = 0;
  for (const auto& t : r.lesions.truth) most = std::max(most, t.pixels);
  return static_cast<double>(most);
}

// Makes the figures of one stratum.
class stratum_figures {
 public:
  stratum_figures(const std::vector<image_result>& images, const size_limits& limits, stratum s, std::vector<figure>& out)
      : images_(images), limits_(limits), stratum_(s), out_(out) {}

  void images() {
    for (const auto& m : named_metrics) {
      ratio_of_sums mean;
      for (const auto& r : images_) {
        const double one = contains(stratum_, largest_lesion(r), limits_);
        mean.add(one * r.metrics.*m.value, one);
      }
      add_mean(std::string("image.") + m.name, std::move(mean));
    }
  }
  void lesions() {
    for (const auto& m : named_metrics) {
      ratio_of_sums mean;
      for (const auto& r : images_) {
        double sum = 0, count = 0;
        for (const auto& t : r.lesions.truth)
          if (inside(t.pixels)) sum += t.metrics.*m.value, ++count;
        mean.add(sum, count);
      }
      add_mean(std::string("lesion.") + m.name, std::move(mean));
    }
  }
  // Sensitivity, precision, F1; FROC.
  void detection() {
    ratio_of_sums sensitivity, precision, f1;
    std::vector<froc_candidate> candidates;
    std::vector<double> lesions;
    for (std::size_t i = 0; i < images_.size(); ++i) {
      double wanted = 0, hits = 0, predicted = 0;
      for (const auto& t : images_[i].lesions.truth)
        if (inside(t.pixels)) ++wanted, hits += t.match >= 0;
      for (const auto& p : images_[i].lesions.predicted) {
        const auto match = static_cast<std::size_t>(std::max(p.match, 0));
        if (!inside(p.match >= 0 ? images_[i].lesions.truth[match].pixels : p.pixels)) continue;
        ++predicted;
        candidates.push_back({i, p.score, p.match >= 0});
      }
      sensitivity.add(hits, wanted), precision.add(hits, predicted), f1.add(2 * hits, wanted + predicted);
      lesions.push_back(wanted);
    }
    // Lesions, and none predicted: all are missed, and nothing that is predicted is right.
    add("detection.precision", [precision, sensitivity](multiplicities drawn) {
      const auto value = precision(drawn);
      return !value && sensitivity(drawn) ? std::optional(0.0) : value;
    });
    add("detection.f1", f1);
    add_mean("detection.sensitivity", std::move(sensitivity));
    const auto curve = std::make_shared<const froc_curve>(std::move(candidates), std::move(lesions));
    for (const double rate : froc_rates)
      add("detection.froc_" + rate_name(rate), [curve, rate](multiplicities drawn) { return curve->sensitivity(rate, drawn); });
    add("detection.froc_mean", [curve](multiplicities drawn) { return curve->mean_sensitivity(drawn); });
  }
  void boxes() {
    std::vector<image_boxes> all;
    for (const auto& r : images_) {
      image_boxes b;
      for (const auto& t : r.true_boxes) b.truth.push_back({t.box, !inside(t.pixels)});
      for (const auto& p : r.predicted_boxes) b.predicted.push_back({p.box, p.score, !contains(stratum_, area_without_margin(p.box), limits_)});
      all.push_back(std::move(b));
    }
    const auto ap = std::make_shared<const coco_average_precision>(all);
    add("box.ap50", [ap](multiplicities drawn) { return ap->at_50()(drawn); });
    add("box.ap", [ap](multiplicities drawn) { return (*ap)(drawn); });
  }
  void pixels() {
    const auto bins = std::make_shared<std::vector<calibration_bins>>();
    for (const auto& r : images_) {
      bins->push_back(r.calibration);
      if (!contains(stratum_, largest_lesion(r), limits_)) bins->back() = calibration_bins(static_cast<std::int64_t>(r.calibration.pixels.size()));
    }
    add("pixel.ece", [bins](multiplicities drawn) { return expected_calibration_error(*bins, drawn); });
  }

 private:
  bool inside(std::int64_t pixels) const { return contains(stratum_, static_cast<double>(pixels), limits_); }
  // A box is the extremes of an object, inclusive, and 5 pixels more on each side (image/objects.hpp).
  static double area_without_margin(const box<double>& b) { return std::max(1.0, b.width() - 9) * std::max(1.0, b.height() - 9); }
  static std::string rate_name(double rate) {
    std::string name = std::to_string(rate);
    name.erase(name.find_last_not_of('0') + 1);
    return name.back() == '.' ? name.substr(0, name.size() - 1) : name;
  }
  template <class F>
  void add(std::string name, F value) {
    out_.push_back({std::move(name), stratum_, std::move(value)});
  }
  void add_mean(std::string name, ratio_of_sums sums) {
    const auto mean = std::make_shared<const ratio_of_sums>(std::move(sums));
    out_.push_back({std::move(name), stratum_, [mean](multiplicities drawn) { return (*mean)(drawn); }, mean});
  }

  const std::vector<image_result>& images_;
  const size_limits& limits_;
  stratum stratum_;
  std::vector<figure>& out_;
};

}  // namespace detail

/// The figures of a set, those of all lesions first: means over images (image.dice …) and lesions (lesion.dice …),
/// detection.precision, detection.f1, detection.sensitivity, detection.froc_0.125 … detection.froc_8, detection.froc_mean, box.ap50, box.ap,
/// pixel.ece. Always the same ones in the same order. Throws dcs::error where there is no image.
inline std::vector<figure> figures_of(const std::vector<image_result>& images, const size_limits& limits) {
  expect(!images.empty(), "dcs::figures_of: there is no image; expected at least one");
  std::vector<figure> all;
  for (const stratum s : strata) {
    detail::stratum_figures of(images, limits, s, all);
    of.images(), of.lesions(), of.detection(), of.boxes(), of.pixels();
  }
  return all;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
