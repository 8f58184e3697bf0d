// UNet++ (Zhou et al. 2018, arXiv:1807.10165), one head, no deep supervision: a triangle of nodes x(i, j), i the level (0 the finest) and j the
// column. Column 0 is the encoder; x(i, j) takes x(i, 0) to x(i, j − 1) and x(i + 1, j − 1), upsampled bilinearly with corners aligned.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/nn/trace.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/resize/resize.hpp>

DCS_EXACT_MATH
namespace dcs::models::unet_plus_plus {

/// Convolution with bias, norm, ReLU, twice: shape<N, H, W, In> to shape<N, H, W, Out>.
template <int In, int Out>
struct node {
  nn::conv2d<In, Out, 3> conv1;
  nn::batch_norm<Out> bn1;
  nn::conv2d<Out, Out, 3> conv2;
  nn::batch_norm<Out> bn2;
  DCS_MEMBERS(conv1, bn1, conv2, bn2)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(bn2(conv2(eval(relu(bn1(conv1(x))))))));
  }
};

/// The network: Levels levels of Width, 2 · Width, 4 · Width ... channels, at most 9. Height and width of images are multiples of 2^(Levels − 1).
/// 9,163,329 parameters at the defaults.
template <int Width = 32, int Levels = 5>
struct network : pixelwise<network<Width, Levels>> {
  static_assert(Width >= 1 && Levels >= 2 && Levels <= 9, "dcs::unet_plus_plus: at least one channel, 2 to 9 levels");
  static constexpr auto count = static_cast<std::size_t>(Levels);
  static constexpr int channels(std::size_t level) { return Width << level; }
  static constexpr int inputs(std::size_t i, std::size_t j) {
    return j > 0 ? channels(i) * static_cast<int>(j) + channels(i + 1) : i > 0 ? channels(i - 1) : 3;
  }
  template <std::size_t J, std::size_t... I>
  static auto column_of(std::index_sequence<I...>) -> std::tuple<node<inputs(I, J), channels(I)>...>;
  template <std::size_t... J>
  static auto columns_of(std::index_sequence<J...>) -> std::tuple<decltype(column_of<J>(std::make_index_sequence<count - J>()))...>;

  decltype(columns_of(std::make_index_sequence<count>())) columns;  // nodes x(i, j) at [j][i]
  std::array<nn::conv2d<Width, 1, 1>, 1> heads;

  template <class Visit>
  constexpr void members(Visit&& visit) {
    walk(*this, visit);
  }
  template <class Visit>
  constexpr void members(Visit&& visit) const {
    walk(*this, visit);
  }

  /// Logits, shape<N, H, W, 1>, of images, shape<N, H, W, 3>. Traced are the nodes, stage/x with level and column.
  template <operand X, class Trace = no_trace>
  constexpr auto operator()(const X& images, const Trace& trace = {}) const {
    const module_scope here;
    return eval(heads[0](following_columns<1>(std::make_tuple(encoded<0>(images, trace)), trace)));
  }

 private:
  // Members are named x00, x10, ... as in the reference.
  template <class Self, class Visit>
  static constexpr void walk(Self& self, Visit& visit) {
    walk_columns(self, visit, std::make_index_sequence<count>());
    visit("heads", self.heads);
  }
  template <class Self, class Visit, std::size_t... J>
  static constexpr void walk_columns(Self& self, Visit& visit, std::index_sequence<J...>) {
    (walk_nodes<J>(self, visit, std::make_index_sequence<count - J>()), ...);
  }
  template <std::size_t J, class Self, class Visit, std::size_t... I>
  static constexpr void walk_nodes(Self& self, Visit& visit, std::index_sequence<I...>) {
    constexpr char name[sizeof...(I)][4] = {{'x', static_cast<char>('0' + I), static_cast<char>('0' + J), '\0'}...};
    (visit(name[I], std::get<I>(std::get<J>(self.columns))), ...);
  }

  // The values of column 0 from level I on.
  template <std::size_t I, class X, class Trace>
  constexpr auto encoded(const X& x, const Trace& trace) const {
    const auto y = std::get<I>(std::get<0>(columns))(x);
    trace("stage/x", y, I, std::size_t{0});
    if constexpr (I + 1 == count)
      return std::tuple(y);
    else
      return std::tuple_cat(std::tuple(y), encoded<I + 1>(max_pool2d<2, 2, 0>(y), trace));
  }
  // x(0, count − 1), where the values of columns 0 to J − 1 are known.
  template <std::size_t J, class Known, class Trace>
  constexpr auto following_columns(const Known& known, const Trace& trace) const {
    if constexpr (J == count)
      return std::get<0>(std::get<J - 1>(known));
    else
      return following_columns<J + 1>(std::tuple_cat(known, std::make_tuple(column<J>(known, trace, std::make_index_sequence<count - J>()))), trace);
  }
  template <std::size_t J, class Known, class Trace, std::size_t... I>
  constexpr auto column(const Known& known, const Trace& trace, std::index_sequence<I...>) const {
    return std::tuple(value_at<I, J>(known, trace, std::make_index_sequence<J>())...);
  }
  template <std::size_t I, std::size_t J, class Known, class Trace, std::size_t... K>
  constexpr auto value_at(const Known& known, const Trace& trace, std::index_sequence<K...>) const {
    const auto& skip = std::get<I>(std::get<0>(known));
    const auto y = std::get<I>(std::get<J>(columns))(
        concat<channel>(std::get<I>(std::get<K>(known))..., upsample(std::get<I + 1>(std::get<J - 1>(known)), skip)));
    trace("stage/x", y, I, J);
    return y;
  }

  [[no_unique_address]] nn::upsample_bilinear upsample;
};

}  // namespace dcs::models::unet_plus_plus

namespace dcs {
template <int Width = 32, int Levels = 5>
using unet_plus_plus = models::unet_plus_plus::network<Width, Levels>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
