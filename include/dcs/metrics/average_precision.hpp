// Average precision of boxes as COCO defines it (pycocotools' COCOeval for one category): precision interpolated at 101 recalls.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>
#include <dcs/metrics/statistic.hpp>

#include <algorithm>
#include <numeric>

DCS_EXACT_MATH
namespace dcs {

/// A true box. One that is `ignored`, for example for its size, need not be found, and a prediction that matches it is neither right nor wrong.
struct true_box {
  dcs::box<double> box;
  bool ignored = false;
};
/// A predicted box. One that is `ignored` is not wrong where it matches nothing.
struct predicted_box {
  dcs::box<double> box;
  double score = 0;
  bool ignored = false;
};
struct image_boxes {
  std::vector<true_box> truth;
  std::vector<predicted_box> predicted;
};

/// The most predictions of an image that count, those of the highest score.
inline constexpr std::size_t average_precision_boxes = 100;

/// Average precision at one threshold of IoU.
class average_precision {
 public:
  /// Predictions of an image are matched by falling score, equal ones in their order: each with the free true box of the largest IoU of at least
  /// `iou`, one that is not ignored before any that is.
  average_precision(const std::vector<image_boxes>& images, double iou) : wanted_(images.size(), 0) {
    expect(iou > 0 && iou <= 1, "dcs::average_precision: a threshold of ", iou, "; expected above 0, at most 1");
    for (std::size_t i = 0; i < images.size(); ++i) match(images[i], i, iou);
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  }

  /// The mean over the recalls 0, 0.01 … 1 of the highest precision at this recall or above, 0 where it is not reached. Nothing where no true box is
  /// drawn that counts.
  std::optional<double> operator()(multiplicities drawn = {}) const {
    double wanted = 0;
    for (std::size_t i = 0; i < wanted_.size(); ++i) wanted += times_drawn(drawn, i) * wanted_[i];
    if (wanted == 0) return std::nullopt;
    std::vector<double> recall(found_.size()), precision(found_.size());
    double right = 0, wrong = 0;
    for (std::size_t k = 0; k < found_.size(); ++k) {
      (found_[k].right ? right : wrong) += times_drawn(drawn, found_[k].image);
      recall[k] = right / wanted, precision[k] = right + wrong > 0 ? right / (right + wrong) : 0;
    }
    for (std::size_t k = found_.size(); k-- > 1;) precision[k - 1] = std::max(precision[k - 1], precision[k]);
    double sum = 0;
    std::size_t k = 0;
    for (int step = 0; step <= 100; ++step) {
      const double at = step == 100 ? 1 : step * 0.01;
      while (k < recall.size() && recall[k] < at) ++k;
      sum += k < recall.size() ? precision[k] : 0;
    }
    return sum / 101;
  }

 private:
  struct outcome {
    std::size_t image;
    double score;
    bool right;
  };

  void match(const image_boxes& image, std::size_t number, double threshold) {
    std::vector<std::size_t> order(image.predicted.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return image.predicted[a].score > image.predicted[b].score; });
    order.resize(std::min(order.size(), average_precision_boxes));
    std::vector<bool> taken(image.truth.size(), false);
    for (const auto& t : image.truth) wanted_[number] += !t.ignored;
    for (const std::size_t p : order) {
      const auto best = best_match(image, image.predicted[p], taken, threshold);
      if (best < taken.size()) taken[best] = true;
      const bool ignored = best < taken.size() ? image.truth[best].ignored : image.predicted[p].ignored;
      if (!ignored) found_.push_back({number, image.predicted[p].score, best < taken.size()});
    }
  }
  // The number of the true box, or that of all where none matches. As in pycocotools, the last of equals.
  static std::size_t best_match(const image_boxes& image, const predicted_box& p, const std::vector<bool>& taken, double threshold) {
    for (const bool ignored : {false, true}) {
      std::size_t best = image.truth.size();
      double largest = std::min(threshold, 1 - 1e-10);
      for (std::size_t t = 0; t < image.truth.size(); ++t) {
        if (taken[t] || image.truth[t].ignored != ignored) continue;
        if (const double overlap = iou(p.box, image.truth[t].box); overlap >= largest) largest = overlap, best = t;
      }
      if (best < image.truth.size()) return best;
    }
    return image.truth.size();
  }

  std::vector<outcome> found_;  // by falling score
  std::vector<double> wanted_;  // true boxes of each image that count
};

/// COCO's AP: the mean of the average precisions at IoU 0.5, 0.55 … 0.95.
class coco_average_precision {
 public:
  explicit coco_average_precision(const std::vector<image_boxes>& images) {
    for (int k = 0; k < 10; ++k) at_.emplace_back(images, k == 9 ? 0.95 : 0.5 + k * ((0.95 - 0.5) / 9));
  }
  std::optional<double> operator()(multiplicities drawn = {}) const {
    double sum = 0;
    for (const auto& ap : at_) {
      const auto value = ap(drawn);
      if (!value) return std::nullopt;
      sum += *value;
    }
    return sum / static_cast<double>(at_.size());
  }
  /// That at IoU 0.5.
  const average_precision& at_50() const { return at_[0]; }

 private:
  std::vector<average_precision> at_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
