// From crops of P2..P5 to logits: enhance and encode each level, exchange information between the levels' tokens, decode from the deepest up, refine,
// fuse, and predict from the fused map, its edges, and every level (deep supervision). Names are those of the PyTorch reference. Each of these stages
// may be a user's own: models/dcsnet/stages.hpp states its requirements. The head evaluates the results of stages, so a user's stage may return an
// expression.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/dcsnet/msfa.hpp>
#include <dcs/models/dcsnet/stages.hpp>
#include <dcs/nn/trace.hpp>
#include <dcs/ops/resize/resize.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// 1 × 1 convolution, depthwise 3 × 3, ReLU.
template <int D>
struct enhance {
  nn::conv2d<D, D, 1> pointwise;
  nn::conv2d<D, D, 3, 1, 1, D> depthwise;
  DCS_MEMBERS(pointwise, depthwise)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(depthwise(eval(pointwise(x)))));
  }
};

/// Two 3 × 3 convolutions with batch norm and ReLU, channel dropout between them.
template <int D>
struct crop_encoder {
  nn::conv2d<D, D, 3> conv1;
  nn::batch_norm<D> norm1;
  nn::conv2d<D, D, 3> conv2;
  nn::batch_norm<D> norm2;
  nn::channel_dropout dropout{0.2};
  DCS_MEMBERS(conv1, norm1, conv2, norm2)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto y = dropout(relu(norm1(conv1(x))));
    return eval(relu(norm2(conv2(y))));
  }
};

/// One token for each P × P pixels: a convolution of that size and stride.
template <int D, int P>
struct patch_embedding : nn::conv2d<D, D, P, P, 0> {};

/// relu(norm(conv1×1([skip, upsampled deeper]))).
template <int D>
struct skip_fusion {
  nn::conv2d<2 * D, D, 1> conv;
  nn::batch_norm<D> norm;
  DCS_MEMBERS(conv, norm)
  template <operand X, operand Y>
  constexpr auto operator()(const X& skip, const Y& deeper) const {
    return eval(relu(norm(conv(concat<channel>(skip, resize_bilinear_like<corners::aligned>(deeper, skip))))));
  }
};

template <int... Widths>
struct head_layers;
template <int In, int Out>
struct head_layers<In, Out> {
  using convs = std::tuple<nn::conv2d<In, Out, 3>>;
  using norms = std::tuple<nn::batch_norm<Out>>;
  static constexpr int last = Out;
};
template <int In, int Mid, int Out>
struct head_layers<In, Mid, Out> {
  using convs = std::tuple<nn::conv2d<In, Mid, 3>, nn::conv2d<Mid, Out, 3>>;
  using norms = std::tuple<nn::batch_norm<Mid>, nn::batch_norm<Out>>;
  static constexpr int last = Out;
};
/// 3 × 3 convolutions with batch norm, ReLU and channel dropout between Widths..., then 1 × 1 to one logit.
template <int... Widths>
struct logit_head {
  using layers = head_layers<Widths...>;
  typename layers::convs convs;
  typename layers::norms norms;
  nn::conv2d<layers::last, 1, 1> project;
  nn::channel_dropout dropout{0.0};
  DCS_MEMBERS(convs, norms, project)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(project(run<0>(eval(x))));
  }

 private:
  template <std::size_t I, class X>
  constexpr auto run(const X& x) const {
    if constexpr (I == std::tuple_size_v<typename layers::convs>)
      return x;
    else
      return run<I + 1>(dropout(relu(std::get<I>(norms)(std::get<I>(convs)(x)))));
  }
};

/// Logits of a head call, each shape<roi, Base, Base, 1>: main, edges, and levels P2 to P5.
template <class X>
struct segmentation {
  X main, edge;
  std::array<X, 4> levels;
};

template <class Found, class Expected, class Axis>
struct segmentation_head_base {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: the base scale is 32, 64 or 128");
};

/// The head over crops of width D whose largest is Base × Base, with an aggregator (msfa<> or mean_fusion) and Stages' enhancements, encoders,
/// decoders and heads of logits.
template <int D, int Base, class Aggregator, class Stages = stages>
struct segmentation_head {
  static_assert(sizeof(segmentation_head_base<found<Base>, expected<Base == 32 || Base == 64 || Base == 128 ? Base : 64>, axis<1>>) == 1);
  static constexpr int grid = 8;
  /// Sides of the crops of P2 to P5, and of their token grids.
  static constexpr std::array<int, 4> sizes{Base, Base / 2, Base / 4, Base / 8};
  static constexpr int grid_of(int i) { return sizes[static_cast<std::size_t>(i)] < grid ? sizes[static_cast<std::size_t>(i)] : grid; }
  static constexpr int patch(int i) { return sizes[static_cast<std::size_t>(i)] / grid_of(i); }
  static constexpr int tokens = grid_of(0) * grid_of(0) + grid_of(1) * grid_of(1) + grid_of(2) * grid_of(2) + grid_of(3) * grid_of(3);

  template <int I>
  using embed_type = typename Stages::template embed<D, patch(I)>;
  using enhance_type = typename Stages::template enhance<D>;
  using encode_type = typename Stages::template encode<D>;
  using decode_type = typename Stages::template decode<D>;
  using level_logits = typename Stages::template logits<D, D / 2>;
  using main_logits = typename Stages::template logits<D, D / 2, D / 4>;
  using edge_logits = typename Stages::template logits<D, D / 4>;
  static_assert(checked<contracts::aggregator<Aggregator, D, Base, tokens>>);
  static_assert(checked<contracts::enhance<enhance_type, D>>);
  static_assert(checked<contracts::encode<encode_type, D>>);
  static_assert(checked<contracts::embed<embed_type<0>, D, patch(0)>>);
  static_assert(checked<contracts::embed<embed_type<1>, D, patch(1)>>);
  static_assert(checked<contracts::embed<embed_type<2>, D, patch(2)>>);
  static_assert(checked<contracts::embed<embed_type<3>, D, patch(3)>>);
  static_assert(checked<contracts::decode<decode_type, D>>);
  static_assert(checked<contracts::logits<level_logits, D, D / 2>>);
  static_assert(checked<contracts::logits<main_logits, D, D / 2, D / 4>>);
  static_assert(checked<contracts::logits<edge_logits, D, D / 4>>);

  std::array<enhance_type, 4> enhancers;
  std::array<encode_type, 4> encoders;
  std::tuple<embed_type<0>, embed_type<1>, embed_type<2>, embed_type<3>> embed;
  parameter<shape<4, D>, init::trunc_normal<20>> level_embedding;
  parameter<shape<tokens, D>, init::trunc_normal<20>> position_embedding;
  typename Aggregator::template stage<D, 4> aggregate;
  std::array<decode_type, 3> decoder;
  std::array<level_logits, 4> level_head;
  main_logits main_head;
  edge_logits edge_head;
  DCS_MEMBERS_AS((enhancers, "enhance"), (encoders, "encoder"), (embed, "embed"), (level_embedding, "level_embedding"),
                 (position_embedding, "position_embedding"), (aggregate, ""), (decoder, "decoder"), (level_head, "level_head"),
                 (main_head, "main_head"), (edge_head, "edge_head"))

  constexpr segmentation_head() {
    if constexpr (requires(main_logits & m) { m.dropout.p; }) main_head.dropout.p = 0.2;
  }

  /// crops: a tuple of shape<roi, sizes[i], sizes[i], D>, i = 0 to 3. `edges`: whether to apply the edge head, which only training needs.
  template <class Crops, class Trace = no_trace>
  constexpr auto operator()(const Crops& crops, bool edges = true, const Trace& trace = {}) const {
    static_assert(checked<contracts::crops<Crops, Base, D>>);
    const auto e2 = encode<0>(crops);
    const auto e3 = encode<1>(crops);
    const auto e4 = encode<2>(crops);
    const auto e5 = encode<3>(crops);
    const auto sequence = eval(concat<1>(tokens_of<0>(e2), tokens_of<1>(e3), tokens_of<2>(e4), tokens_of<3>(e5)) + position_embedding.as(e2));
    trace("tokens", sequence);
    const auto attended = eval(aggregate.attend(sequence));
    trace("attended", attended);

    constexpr int g = grid_of(3);
    constexpr auto roi = extent_of<shape_t<decltype(e5)>, 0>;
    const auto deepest = reshape<shape<roi, g, g, D>>(eval(slice<1, tokens - g * g, g * g>(attended)));
    const auto d5 = resize_bilinear<corners::aligned, sizes[3], sizes[3]>(deepest);
    const auto d4 = eval(decoder[2](e4, d5));
    const auto d3 = eval(decoder[1](e3, d4));
    const auto d2 = eval(decoder[0](e2, d3));
    const auto f5 = refined(d5), f4 = refined(d4), f3 = refined(d3), f2 = refined(d2);
    using map = result_t<decltype(level_head[0](f2))>;
    if constexpr (requires { aggregate.weights(f5, f4, f3, f2); })
      if (trace_wanted<Trace>) trace("weights", eval(aggregate.weights(f5, f4, f3, f2)));
    const auto fused = eval(aggregate.fuse(f5, f4, f3, f2));
    trace("fused", fused);
    return segmentation<map>{eval(main_head(fused)),
                             edges ? map(eval(edge_head(fused))) : map(),
                             {eval(level_head[0](f2)), eval(level_head[1](f3)), eval(level_head[2](f4)), eval(level_head[3](f5))}};
  }

 private:
  template <class Trace>
  static constexpr bool trace_wanted = !std::is_same_v<Trace, no_trace>;

  template <int I, class Crops>
  constexpr auto encode(const Crops& crops) const {
    return eval(encoders[I](eval(enhancers[I](std::get<I>(crops)))));
  }
  template <int I, class X>
  constexpr auto tokens_of(const X& e) const {
    constexpr extent_t n = extent_t{grid_of(I)} * grid_of(I);
    const auto grid_map = eval(std::get<I>(embed)(e));
    return eval(reshape<shape<extent_of<shape_t<X>, 0>, n, D>>(grid_map) + slice<0, I>(level_embedding.as(e)));
  }
  template <class X>
  constexpr auto refined(const X& x) const {
    return eval(aggregate.refine(resize_bilinear<corners::aligned, Base, Base>(x)));
  }
};

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
