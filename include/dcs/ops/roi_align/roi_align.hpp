// RoIAlign as typed ops: crops of one map; of every level of a pyramid in one call; and of the level that each RoI is assigned to.
#pragma once

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/roi_align/cpu.hpp>

namespace dcs {

using cpu::roi_options;

DCS_DEFINE_EXTENT_CHECK(roi_align_rank_mismatch, "dcs::roi_align: the feature map must have the four axes N,H,W,C; number of axes");
DCS_DEFINE_EXTENT_CHECK(roi_align_box_mismatch, "dcs::roi_align: a RoI is five numbers (image, x1, y1, x2, y2) along axis 1");
DCS_DEFINE_EXTENT_CHECK(roi_align_channel_mismatch, "dcs::roi_align: every level must have the same number of channels (axis 3)");

namespace detail {

template <class S, class R>
constexpr void check_roi_align() {
  (void)roi_align_rank_mismatch<found<S::rank>, expected<4>, axis<0>>{};
  static_assert(R::rank == 2, "dcs::roi_align: the RoIs have two axes");
  (void)roi_align_box_mismatch<found<extent_of<R, 1>>, expected<5>, axis<1>>{};
}

template <class T, class R, class D>
void expect_rois(const tensor<T, R, D>& rois, extent_t batch) {
  for (extent_t i = 0; i < rois.size() / 5; ++i) {
    const T* r = rois.data() + i * 5;
    expect(r[0] >= T(0) && r[0] < static_cast<T>(batch) && std::floor(r[0]) == r[0], "dcs::roi_align: RoI ", i, " is of image ", r[0], "; expected 0 to ",
           batch - 1);
    for (int k = 1; k < 5; ++k) expect(std::isfinite(r[k]), "dcs::roi_align: RoI ", i, " has a coordinate that is not finite");
  }
}

template <class T, class D, class S>
tensor<T, S, D> gradient_like(const sink<T, S, D>& to, const sizes<S::rank>& n) {
  return to.wanted() ? tensor<T, S, D>::empty(n) : tensor<T, S, D>();
}

// RoIs of several maps, each assigned to one of them (or all to the first).
template <extent_t BinsY, extent_t BinsX, class T, class R, class D, class... X>
auto roi_align_run(const tensor<T, R, D>& rois, std::vector<int> level, const std::vector<double>& scales, int sampling, bool aligned, const X&... x) {
  using First = shape_t<std::tuple_element_t<0, std::tuple<X...>>>;
  using Out = shape<extent_of<R, 0>, BinsY, BinsX, extent_of<First, 3>>;
  static constexpr extent_t channels = extent_of<First, 3>;
  const extent_t k = rois.sizes()[0];
  (expect_rois(rois, x.sizes()[0]), ...);
  (expect(x.sizes()[1] >= 1 && x.sizes()[2] >= 1, "dcs::roi_align: a feature map of sizes ", to_string(x.sizes()), " has no pixels"), ...);
  std::vector<cpu::roi_map<T>> maps;
  (maps.push_back({value(x).data(), nullptr, x.sizes()[0], x.sizes()[1], x.sizes()[2], static_cast<T>(scales[maps.size()])}), ...);
  auto y = tensor<T, Out, D>::empty({k, BinsY, BinsX, channels});
  roi_align_forward<T>(D{}, maps, channels, rois.data(), level.empty() ? nullptr : level.data(), k, BinsY, BinsX, sampling, aligned, y.data());
  return record(
      std::move(y),
      [maps, rois, level = std::move(level), sampling, aligned, k, to = std::make_tuple(std::pair(sink_of(x), x.sizes())...)](const tensor<T, Out, D>& dy) mutable {
        std::apply(
            [&](const auto&... target) {
              auto gradients = std::tuple(gradient_like<T, D>(target.first, target.second)...);
              std::apply(
                  [&](auto&... g) {
                    std::size_t i = 0;
                    ((maps[i++].gradient = g.data()), ...);
                    roi_align_backward<T>(D{}, maps, channels, rois.data(), level.empty() ? nullptr : level.data(), k, BinsY, BinsX, sampling, aligned,
                                               dy.data());
                    (target.first.add(std::move(g)), ...);
                  },
                  gradients);
            },
            to);
      },
      x...);
}

}  // namespace detail

/// Crops of a feature map: shape<K, BinsY, BinsX, C>. x: shape<N, H, W, C>; rois: a tensor of shape<K, 5> (image, x1, y1, x2, y2 in pixels of the image).
/// Throws dcs::error for an image that does not exist or a coordinate that is not finite.
template <extent_t BinsY, extent_t BinsX = BinsY, operand X, class T, class R, class D>
constexpr auto roi_align(const X& x, const tensor<T, R, D>& rois, roi_options options) {
  detail::check_roi_align<shape_t<X>, R>();
  return detail::roi_align_run<BinsY, BinsX>(rois, {}, {options.scale}, options.sampling, options.aligned, eval(x));
}
/// The same, counting.
template <extent_t BinsY, extent_t BinsX = BinsY, class T, class S, class R, class D>
constexpr auto roi_align(const probe<T, S, D>& x, const probe<T, R, D>&, roi_options) {
  detail::check_roi_align<S, R>();
  return probe_result<shape<extent_of<R, 0>, BinsY, BinsX, extent_of<S, 3>>>(x);
}

/// Crops of every level of a pyramid in one call: a tuple of shape<K, Bins_l, Bins_l, C>, level l at strides[l] image pixels per map pixel.
template <extent_t... Bins, class Pyramid, class Rois>
constexpr auto roi_align_pyramid(const Pyramid& pyramid, const Rois& rois, const std::array<int, sizeof...(Bins)>& strides, int sampling = 2) {
  static_assert(std::tuple_size_v<Pyramid> >= sizeof...(Bins), "dcs::roi_align_pyramid: more crop sizes than levels");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple(roi_align<Bins>(std::get<I>(pyramid), rois, roi_options{1.0 / strides[I], sampling, false})...);
  }(std::make_index_sequence<sizeof...(Bins)>{});
}

/// Crops of equal size, RoI i from level level[i]: shape<K, Bins, Bins, C>. All levels have the same channels.
template <extent_t Bins, class T, class R, class D, operand X, operand... More>
auto roi_align_levels(const tensor<T, R, D>& rois, std::vector<int> level, const std::vector<double>& scales, int sampling, const X& x, const More&... more) {
  detail::check_roi_align<shape_t<X>, R>();
  ((void)roi_align_channel_mismatch<found<extent_of<shape_t<More>, 3>>, expected<extent_of<shape_t<X>, 3>>, axis<3>>{}, ...);
  expect(static_cast<extent_t>(level.size()) == rois.sizes()[0] && scales.size() == 1 + sizeof...(More), "dcs::roi_align_levels: ", level.size(),
         " level numbers for ", rois.sizes()[0], " RoIs, ", scales.size(), " scales for ", 1 + sizeof...(More), " levels");
  for (int l : level) expect(l >= 0 && l <= static_cast<int>(sizeof...(More)), "dcs::roi_align_levels: level ", l, "; expected 0 to ", sizeof...(More));
  return detail::roi_align_run<Bins, Bins>(rois, std::move(level), scales, sampling, false, eval(x), eval(more)...);
}

}  // namespace dcs
