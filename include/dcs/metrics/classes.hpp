// Metrics of several classes, all from one table: the confusion matrix, in which every labelled pixel of a set is counted once, by its class in the
// truth and in the prediction. Dice and IoU of a class are those of its pixels in the whole set, not means over images.
//
// A class that neither the truth nor the prediction has is absent: its Dice and IoU are ratios of nothing and have no value, and means leave it out,
// so that a class that a set lacks neither raises nor lowers them. A class that is predicted somewhere and true nowhere counts, as 0.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/expr/pointwise.hpp>
#include <dcs/image/labels.hpp>
#include <dcs/ops/cast/cast.hpp>

#include <optional>

DCS_EXACT_MATH
namespace dcs {

/// How many pixels of each class are predicted as each.
class confusion_matrix {
 public:
  /// Throws dcs::error where there is no class.
  explicit confusion_matrix(std::int32_t classes)
      : classes_(classes), counts_(static_cast<std::size_t>(std::max(classes, 0)) * static_cast<std::size_t>(std::max(classes, 0)), 0) {
    expect(classes >= 1, "dcs::confusion_matrix: ", classes, " classes; expected at least 1");
  }

  /// Counts the pixels of an image. Class maps of 0 to classes() − 1; where the truth is negative, a pixel is not labelled and not counted. Throws
  /// dcs::error where sizes differ or a number is no class; nothing is counted then.
  void add(const label_map& prediction, const label_map& truth) {
    expect(prediction.height == truth.height && prediction.width == truth.width, "dcs::confusion_matrix: the prediction is ", prediction.height,
           " × ", prediction.width, ", the truth ", truth.height, " × ", truth.width);
    for (std::size_t i = 0; i < truth.pixels.size(); ++i) {
      expect(truth.pixels[i] < classes_, "dcs::confusion_matrix: the truth has class ", truth.pixels[i], "; expected at most ", classes_ - 1);
      expect(prediction.pixels[i] >= 0 && prediction.pixels[i] < classes_, "dcs::confusion_matrix: the prediction has class ", prediction.pixels[i],
             "; expected 0 to ", classes_ - 1);
    }
    for (std::size_t i = 0; i < truth.pixels.size(); ++i)
      if (truth.pixels[i] >= 0) ++counts_[index(truth.pixels[i], prediction.pixels[i])];
  }
  /// Adds the counts of another part of the set.
  confusion_matrix& operator+=(const confusion_matrix& o) {
    expect(o.classes_ == classes_, "dcs::confusion_matrix: ", o.classes_, " classes added to ", classes_);
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += o.counts_[i];
    return *this;
  }

  std::int32_t classes() const { return classes_; }
  /// Pixels of class `truth` that are predicted as class `prediction`.
  std::int64_t count(std::int32_t truth, std::int32_t prediction) const { return counts_[index(truth, prediction)]; }
  /// Pixels of a class in the truth, and in the prediction.
  std::int64_t wanted(std::int32_t c) const {
    return total([&](std::int32_t k) { return count(c, k); });
  }
  std::int64_t found(std::int32_t c) const {
    return total([&](std::int32_t k) { return count(k, c); });
  }
  /// Pixels in all.
  std::int64_t pixels() const {
    return total([&](std::int32_t k) { return wanted(k); });
  }

  /// 2 TP / (2 TP + FP + FN); nothing for an absent class.
  std::optional<double> dice(std::int32_t c) const { return ratio(2 * count(c, c), wanted(c) + found(c)); }
  /// TP / (TP + FP + FN); nothing for an absent class.
  std::optional<double> iou(std::int32_t c) const { return ratio(count(c, c), wanted(c) + found(c) - count(c, c)); }
  /// TP / (TP + FP); nothing for a class that is predicted nowhere.
  std::optional<double> precision(std::int32_t c) const { return ratio(count(c, c), found(c)); }
  /// TP / (TP + FN); nothing for a class that is true nowhere.
  std::optional<double> recall(std::int32_t c) const { return ratio(count(c, c), wanted(c)); }

  /// Means over the classes from `first` on (1 leaves out a background of class 0) that are not absent; nothing where all are.
  std::optional<double> mean_dice(std::int32_t first = 0) const {
    return mean(first, [&](std::int32_t c) { return dice(c); });
  }
  std::optional<double> mean_iou(std::int32_t first = 0) const {
    return mean(first, [&](std::int32_t c) { return iou(c); });
  }
  /// Pixels whose class is found, of all; nothing where no pixel was counted.
  std::optional<double> accuracy() const {
    return ratio(total([&](std::int32_t k) { return count(k, k); }), pixels());
  }

 private:
  std::size_t index(std::int32_t truth, std::int32_t prediction) const {
    expect(truth >= 0 && truth < classes_ && prediction >= 0 && prediction < classes_, "dcs::confusion_matrix: class ", truth, " as ", prediction,
           "; expected 0 to ", classes_ - 1);
    return static_cast<std::size_t>(truth) * static_cast<std::size_t>(classes_) + static_cast<std::size_t>(prediction);
  }
  template <class F>
  std::int64_t total(const F& of_class) const {
    std::int64_t sum = 0;
    for (std::int32_t k = 0; k < classes_; ++k) sum += of_class(k);
    return sum;
  }
  static std::optional<double> ratio(std::int64_t part, std::int64_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }
  template <class F>
  std::optional<double> mean(std::int32_t first, const F& of_class) const {
    double sum = 0;
    int present = 0;
    for (std::int32_t c = first; c < classes_; ++c)
      if (const auto v = of_class(c)) sum += *v, ++present;
    if (present == 0) return std::nullopt;
    return sum / present;
  }

  std::int32_t classes_;
  std::vector<std::int64_t> counts_;
};

/// The most probable class of each pixel, the lower number of equals, of scores or probabilities of shape<N, H, W, K> on any device: a map for each
/// image.
template <operand X>
std::vector<label_map> most_probable_classes(const X& scores) {
  static_assert(shape_t<X>::rank == 4, "dcs::most_probable_classes: expected scores of shape<N, H, W, K>");
  const auto x = cast<float>(to<cpu_device>(value(eval(scores))));
  const auto [n, h, w, k] = x.sizes();
  expect(k >= 1, "dcs::most_probable_classes: scores of sizes ", to_string(x.sizes()), " have no classes");
  std::vector<label_map> maps;
  for (extent_t i = 0; i < n; ++i) {
    label_map m{h, w, std::vector<std::int32_t>(static_cast<std::size_t>(h * w))};
    for (extent_t p = 0; p < h * w; ++p) {
      const float* row = x.data() + (i * h * w + p) * k;
      m.pixels[static_cast<std::size_t>(p)] = static_cast<std::int32_t>(std::max_element(row, row + k) - row);
    }
    maps.push_back(std::move(m));
  }
  return maps;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
