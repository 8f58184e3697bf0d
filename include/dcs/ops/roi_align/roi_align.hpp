// RoIAlign as typed ops: crops of one map; of every level of a pyramid in one call; and of the level that each RoI is assigned to. Each is one call
// of the kernels over several maps, and one step of the tape, which runs once the gradients of all crops have been computed.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/roi_align/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

using cpu::roi_options;

template <class Found, class Expected, class Axis>
struct roi_align_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::roi_align: the feature map must have the four axes N,H,W,C; number of axes");
};
template <class Found, class Expected, class Axis>
struct roi_align_box_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::roi_align: a RoI is five numbers (image, x1, y1, x2, y2) along axis 1");
};
template <class Found, class Expected, class Axis>
struct roi_align_channel_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::roi_align: every level must have the same number of channels (axis 3)");
};

namespace detail {

template <class S, class R, extent_t... Bins>
constexpr void check_roi_align() {
  static_assert(((Bins >= 1) && ...), "dcs::roi_align: a crop has at least one bin along either axis");
  verify(check_of<roi_align_rank_mismatch<found<S::rank>, expected<4>, axis<0>>>);
  static_assert(R::rank == 2, "dcs::roi_align: the RoIs have two axes");
  verify(check_of<roi_align_box_mismatch<found<extent_of<R, 1>>, expected<5>, axis<1>>>);
}

// Shape-erased maps, RoIs and crops.
template <class T>
struct roi_call {
  std::vector<untyped<T>> inputs;
  std::vector<cpu::roi_map<T>> maps;
  std::vector<cpu::roi_crops<T>> crops;  // one for each map; with `level`, a single one
  storage rois, level;
  extent_t count = 0, channels = 0;
  int sampling = 2;
  bool aligned = false;

  template <class X>
  void add_map(const X& x, double scale) {
    const auto& n = x.sizes();
    expect(n[1] >= 1 && n[2] >= 1, "dcs::roi_align: a feature map of sizes ", to_string(n), " has no pixels");
    expect_inner("dcs::roi_align", n);
    inputs.emplace_back();
    erase_into(inputs.back(), x);
    expect(maps.empty() || n[3] == channels, "dcs::roi_align: a level of ", n[3], " channels (axis 3) beside one of ", channels,
           "; expected the same");
    maps.push_back({inputs.back().data(), nullptr, n[0], n[1], n[2], scale});
    channels = n[3];
  }
  template <class D>
  storage allocate_crop(std::size_t crop) const {
    return allocate_elements<T, D>("dcs::roi_align", {count, crops[crop].bins_y, crops[crop].bins_x, channels});
  }
  template <class D>
  storage allocate_gradient(const cpu::roi_map<T>& map) const {
    return allocate_elements<T, D>("dcs::roi_align", {map.batch, map.height, map.width, channels});
  }
  const std::int64_t* levels() const { return static_cast<const std::int64_t*>(level.data()); }
};

// RoIs on the host are checked; on a device, an invalid RoI gives zeros instead.
template <class T, class B>
void expect_rois(const roi_call<T>& call) {
  const B* rois = static_cast<const B*>(call.rois.data());
  for (extent_t i = 0; i < call.count; ++i) {
    const B* r = rois + i * 5;
    for (int k = 1; k < 5; ++k) expect(is_finite(r[k]), "dcs::roi_align: RoI ", i, " has a coordinate that is not finite");
    const extent_t last = static_cast<extent_t>(call.maps.size()) - 1;
    if (call.level)
      expect(call.levels()[i] >= 0 && call.levels()[i] <= last, "dcs::roi_align_levels: level ", call.levels()[i], "; expected 0 to ", last);
    for (const auto& m : call.maps)
      expect(r[0] >= B(0) && r[0] < static_cast<B>(m.batch) && std::floor(r[0]) == r[0], "dcs::roi_align: RoI ", i, " is of image ", r[0],
             "; expected 0 to ", m.batch - 1);
  }
}

template <class T, class B, class D>
void roi_align_gradients(roi_call<T>& call, const std::vector<storage>& arrived) {
  std::vector<storage> gradients;
  std::vector<cpu::roi_crops<const T>> dy;
  for (std::size_t l = 0; l < arrived.size(); ++l)
    dy.push_back({static_cast<const T*>(arrived[l].data()), call.crops[l].bins_y, call.crops[l].bins_x});
  for (std::size_t m = 0; m < call.maps.size(); ++m) {
    auto& map = call.maps[m];
    const bool wanted = call.inputs[m].wanted() && arrived[call.level ? 0 : m];
    gradients.push_back(wanted ? call.template allocate_gradient<D>(map) : storage());
    map.gradient = static_cast<T*>(gradients.back().data());
  }
  roi_align_backward<T>(D{}, call.maps, call.channels, static_cast<const B*>(call.rois.data()), call.levels(), call.count, call.sampling,
                        call.aligned, dy);
  for (std::size_t m = 0; m < gradients.size(); ++m)
    if (gradients[m]) call.inputs[m].template add<D>(std::move(gradients[m]));
}

template <class T, class B, class D>
[[gnu::noinline]] std::vector<untyped<T>> run_roi_align(roi_call<T> call) {
  if constexpr (std::is_same_v<D, cpu_device>) expect_rois<T, B>(call);
  std::vector<storage> y;
  for (std::size_t l = 0; l < call.crops.size(); ++l) {
    y.push_back(call.template allocate_crop<D>(l));
    call.crops[l].data = static_cast<T*>(y.back().data());
  }
  roi_align_forward<T>(D{}, call.maps, call.channels, static_cast<const B*>(call.rois.data()), call.levels(), call.count, call.sampling, call.aligned,
                       call.crops);
  // One record for all crops lies between the maps and the crops; the step of each crop passes its gradient on to it.
  slot_ptr together;
  std::vector<bool> reaches(y.size(), false);  // whether a recorded map made the crop
  for (std::size_t m = 0; m < call.inputs.size(); ++m) {
    auto& x = call.inputs[m];
    x.memory = {};  // the backward pass does not need the values of the maps
    if (!x.slot) continue;
    if (!together) together = slot_ptr(new slot);
    together->parents.push_back(x.slot);
    reaches[call.level ? 0 : m] = true;
  }
  const auto arrived = std::make_shared<std::vector<storage>>(y.size());
  if (together) {
    auto step = [call = std::move(call), arrived](const storage&) mutable {
      roi_align_gradients<T, B, D>(call, *arrived);
      arrived->clear();
    };
    together->step = std::make_unique<untyped_step<decltype(step)>>(std::move(step));
  }
  std::vector<untyped<T>> out;
  for (std::size_t l = 0; l < y.size(); ++l)
    out.push_back(record_untyped<T>(std::move(y[l]), {reaches[l] ? together : slot_ptr()}, [together, arrived, l](storage dy) {
      together->gradient = dy;  // marks the common record as having a gradient, so that its step runs
      (*arrived)[l] = std::move(dy);
    }));
  return out;
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_ROI_ALIGN_CALL_ENTRIES(declare, T) declare std::vector<untyped<T>> run_roi_align<T, compute_type<T>, cpu_device>(roi_call<T>);
DCS_MAP_ENTRIES(DCS_ROI_ALIGN_CALL_ENTRIES)

template <class B, class R, class D>
void set_rois(storage& memory, extent_t& count, const tensor<B, R, D>& rois) {
  memory = rois.memory();
  count = rois.sizes()[0];
}

}  // namespace detail

/// Crops of a feature map: shape<K, BinsY, BinsX, C>. x: shape<N, H, W, C>; rois: a tensor of shape<K, 5> (image, x1, y1, x2, y2 in pixels of the
/// image), on x's device. On the host an image that does not exist or a coordinate that is not finite is a dcs::error; on a device the crop of such a
/// RoI is zeros.
/// PyTorch: torchvision.ops.roi_align
template <extent_t BinsY, extent_t BinsX = BinsY, operand X, class B, class R, class D>
constexpr auto roi_align(const X& x_, const tensor<B, R, D>& rois, roi_options options) {
  detail::check_roi_align<shape_t<X>, R, BinsY, BinsX>();
  static_assert(std::is_same_v<device_t<X>, D>, "dcs::roi_align: map and RoIs lie on different devices");
  using T = value_t<X>;
  const auto x = eval(x_);
  detail::expect_same_names("dcs::roi_align", x, rois);
  detail::roi_call<T> call;
  call.add_map(x, options.scale);
  call.crops = {{nullptr, BinsY, BinsX}};
  call.sampling = options.sampling, call.aligned = options.aligned;
  detail::set_rois(call.rois, call.count, rois);
  const extent_t count = call.count, channels = call.channels;
  auto out = detail::run_roi_align<T, B, D>(std::move(call));
  return restore<lift_t<shape<extent_of<R, 0>, BinsY, BinsX, extent_of<shape_t<X>, 3>>, X>>(std::move(out[0]), {count, BinsY, BinsX, channels});
}
/// The same, counting.
template <extent_t BinsY, extent_t BinsX = BinsY, class T, class S, class B, class R, class D>
constexpr auto roi_align(const probe<T, S, D>& x, const probe<B, R, D>&, roi_options) {
  detail::check_roi_align<S, R, BinsY, BinsX>();
  return probe_result<shape<extent_of<R, 0>, BinsY, BinsX, extent_of<S, 3>>>(x);
}

namespace detail {

template <extent_t... Bins, class B, class R, class D, class X, class... More>
auto roi_align_maps(const tensor<B, R, D>& rois, const std::array<int, sizeof...(Bins)>& strides, int sampling, const X& x, const More&... more) {
  check_roi_align<shape_t<X>, R, Bins...>();
  static_assert((std::is_same_v<device_t<X>, D> && ... && std::is_same_v<device_t<More>, D>),
                "dcs::roi_align: map and RoIs lie on different devices");
  (verify(check_of<roi_align_channel_mismatch<found<extent_of<shape_t<More>, 3>>, expected<extent_of<shape_t<X>, 3>>, axis<3>>>), ...);
  using T = value_t<X>;
  expect_same_names("dcs::roi_align", rois, x, more...);
  roi_call<T> call;
  std::size_t l = 0;
  call.add_map(x, 1.0 / strides[l++]);
  (call.add_map(more, 1.0 / strides[l++]), ...);
  call.crops = {{nullptr, Bins, Bins}...};
  call.sampling = sampling;
  set_rois(call.rois, call.count, rois);
  const extent_t count = call.count, channels = call.channels;
  auto out = run_roi_align<T, B, D>(std::move(call));
  l = 0;
  const auto crop = [&]<extent_t Side, class Y>(std::integral_constant<extent_t, Side>, const Y&) {
    return restore<lift_t<shape<extent_of<R, 0>, Side, Side, extent_of<shape_t<X>, 3>>, Y>>(std::move(out[l++]), {count, Side, Side, channels});
  };
  using all = std::tuple<const X&, const More&...>;
  const all maps(x, more...);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    // A braced list, so that arguments are evaluated from the first to the last.
    return std::tuple<decltype(crop(std::integral_constant<extent_t, Bins>{}, std::get<I>(maps)))...>{
        crop(std::integral_constant<extent_t, Bins>{}, std::get<I>(maps))...};
  }
  (std::make_index_sequence<sizeof...(Bins)>{});
}

}  // namespace detail

/// Crops of every level of a pyramid in one call: a tuple of shape<K, Bins_l, Bins_l, C>, level l at strides[l] image pixels per map pixel. All
/// levels have the same channels.
/// PyTorch: torchvision.ops.MultiScaleRoIAlign
/// Runs: as roi_align
template <extent_t... Bins, class Pyramid, class Rois>
constexpr auto roi_align_pyramid(const Pyramid& pyramid, const Rois& rois, const std::array<int, sizeof...(Bins)>& strides, int sampling = 2) {
  static_assert(std::tuple_size_v<Pyramid> >= sizeof...(Bins), "dcs::roi_align_pyramid: more crop sizes than levels");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    if constexpr (any_probe_v<std::tuple_element_t<0, Pyramid>>)
      return std::tuple(roi_align<Bins>(std::get<I>(pyramid), rois, roi_options{1.0 / strides[I], sampling, false})...);
    else
      return detail::roi_align_maps<Bins...>(rois, strides, sampling, eval(std::get<I>(pyramid))...);
  }
  (std::make_index_sequence<sizeof...(Bins)>{});
}

/// Crops of equal size, RoI i from level level[i]: shape<K, Bins, Bins, C>. All levels have the same channels, and lie on one device with the RoIs
/// and their levels. On the host a level that does not exist is a dcs::error; on a device the crop is zeros.
/// Runs: as roi_align
template <extent_t Bins, class B, class R, class L, class D, operand X, operand... More>
auto roi_align_levels(const tensor<B, R, D>& rois, const tensor<std::int64_t, L, D>& level, const std::array<double, 1 + sizeof...(More)>& scales,
                      int sampling, const X& x, const More&... more) {
  detail::check_roi_align<shape_t<X>, R, Bins>();
  static_assert((std::is_same_v<device_t<X>, D> && ... && std::is_same_v<device_t<More>, D>),
                "dcs::roi_align: map and RoIs lie on different devices");
  static_assert(L::rank == 1, "dcs::roi_align_levels: the levels of the RoIs have one axis");
  (verify(check_of<roi_align_channel_mismatch<found<extent_of<shape_t<More>, 3>>, expected<extent_of<shape_t<X>, 3>>, axis<3>>>), ...);
  expect(level.size() == rois.sizes()[0], "dcs::roi_align_levels: ", level.size(), " level numbers for ", rois.sizes()[0], " RoIs");
  using T = value_t<X>;
  detail::roi_call<T> call;
  std::size_t l = 0;
  const auto add_all = [&](const auto&... map) {
    detail::expect_same_names("dcs::roi_align", rois, level, map...);
    (call.add_map(map, scales[l++]), ...);
  };
  add_all(eval(x), eval(more)...);
  call.crops = {{nullptr, Bins, Bins}};
  call.sampling = sampling;
  call.level = level.memory();
  detail::set_rois(call.rois, call.count, rois);
  const extent_t count = call.count, channels = call.channels;
  auto out = detail::run_roi_align<T, B, D>(std::move(call));
  return restore<lift_t<shape<extent_of<R, 0>, Bins, Bins, extent_of<shape_t<X>, 3>>, X, More...>>(std::move(out[0]), {count, Bins, Bins, channels});
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
