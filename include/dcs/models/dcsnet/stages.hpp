// The stages of DCSNet: what each must offer, and which are taken where a user names no other. Backbone, cropper and aggregator, what papers vary,
// are template arguments of dcsnet; the others are aliases of one policy struct, dcsnet_stages, so that a network has one argument more instead of
// seven and its symbols one short name. A user derives from it and replaces an alias:
//
//   struct mine : dcs::dcsnet_stages { template <int D> using encode = my_encoder<D>; };
//   using net = dcs::dcsnet<dcs::resnet<18>, dcs::dghc<32>, dcs::msfa<2, 4>, 32, mine>;
//
// Each stage has a concept, to be asked before there is a network, and a check that a network makes of it (stage_checks.hpp). Both apply the stage to
// probes: its call is const, and a template over operands or over the tuple that holds them.
#pragma once

#include <dcs/core/operand.hpp>
#include <dcs/detect/anchors.hpp>
#include <dcs/nn/module.hpp>

namespace dcs {

template <int Depth, template <int> class Norm>
struct resnet;
template <int Base>
struct dghc;
template <int Base>
struct whole_image;
template <int Layers, int Heads>
struct msfa;
struct mean_fusion;
template <int Width, int C2, int C3, int C4, int C5>
struct fpn;
template <int Width>
struct rpn_head;
template <int Width>
struct box_head;
template <class Scores, class Deltas>
struct box_predictions;
template <int D>
struct enhance;
template <int D>
struct crop_encoder;
template <int D, int P>
struct patch_embedding;
template <int D>
struct skip_fusion;
template <int... Widths>
struct logit_head;

/// The stages that a network has besides backbone, cropper and aggregator. Width and D are its channels.
struct dcsnet_stages {
  /// pyramid_stage: from maps C2 to C5, of as many channels, to levels P2 to P6.
  template <int Width, int C2, int C3, int C4, int C5>
  using pyramid = fpn<Width, C2, C3, C4, C5>;
  /// rpn_stage: objectness and deltas of a level's anchors.
  template <int Width>
  using rpn = rpn_head<Width>;
  /// box_stage: scores and deltas of pooled boxes.
  template <int Width>
  using box = box_head<Width>;
  /// enhance_stage, one for each level: the first stage over a crop.
  template <int D>
  using enhance = dcs::enhance<D>;
  /// encode_stage, one for each level: from an enhanced crop to what tokens are made of and what the decoder takes as skip.
  template <int D>
  using encode = crop_encoder<D>;
  /// embed_stage, one for each level: from an encoded crop to its tokens, one for each P × P pixels. Embeddings of level and position are added by
  /// the head.
  template <int D, int P>
  using embed = patch_embedding<D, P>;
  /// decode_stage, three: from a level's encoded crop and the deeper decoded level to the level decoded.
  template <int D>
  using decode = skip_fusion<D>;
  /// logits_stage: from Widths[0] channels through the others, those of the hidden layers, to one logit. Main head <D, D / 2, D / 4>, edge head
  /// <D, D / 4>, level heads <D, D / 2>. One with a dropout of probability dropout.p gets 0.2 in the main head.
  template <int... Widths>
  using logits = logit_head<Widths...>;
};

namespace detail {

template <extent_t... E>
using trial = probe<float, shape<E...>>;
template <int D, int Side = 16>
using trial_map = trial<2, Side, Side, D>;

// Probes of shapes; the shapes of values, void if these are no tuple of handles.
template <class Shapes>
struct trials_of;
template <class... S>
struct trials_of<std::tuple<S...>> {
  using type = std::tuple<probe<float, S>...>;
};
template <class Shapes>
using trials = typename trials_of<Shapes>::type;
template <class Values>
struct shapes_of {
  using type = void;
};
template <handle... X>
struct shapes_of<std::tuple<X...>> {
  using type = std::tuple<shape_t<X>...>;
};

// What a stage gives of values, and the shapes in it where that is a tuple.
template <class M, class... X>
using given = std::remove_cvref_t<decltype(std::declval<const M&>()(std::declval<const X&>()...))>;
template <class M, class... X>
using given_shapes = typename shapes_of<given<M, X...>>::type;

template <class X, class S>
concept operand_of_shape = operand<X> && std::is_same_v<shape_t<X>, S>;
template <class M, class... X>
concept gives_map = module<M> && operand<given<M, X...>>;
template <class M, class S, class... X>
concept gives_map_of = module<M> && operand_of_shape<given<M, X...>, S>;
template <class M, class Shapes, class... X>
concept gives_maps_of = module<M> && std::is_same_v<given_shapes<M, X...>, Shapes>;
template <class M, class... X>
concept gives_maps = std::tuple_size<given_shapes<M, X...>>::value >= 0;

// Where stages meet: the image of a trial, maps, pyramid, level, RoIs and crops.
using trial_image = trial<2, 64, 64, 3>;
template <int C2, int C3, int C4, int C5>
using map_shapes = std::tuple<shape<2, 16, 16, C2>, shape<2, 8, 8, C3>, shape<2, 4, 4, C4>, shape<2, 2, 2, C5>>;
template <class B>
using backbone_shapes = map_shapes<B::channels[0], B::channels[1], B::channels[2], B::channels[3]>;
template <int Width>
using pyramid_shapes =
    std::tuple<shape<2, 16, 16, Width>, shape<2, 8, 8, Width>, shape<2, 4, 4, Width>, shape<2, 2, 2, Width>, shape<2, 1, 1, Width>>;
template <int Width>
using trial_pyramid = trials<pyramid_shapes<Width>>;
template <int Width>
using trial_level = trial<2, 8, 8, Width>;
using trial_rois = trial<3, 5>;
template <extent_t Rois, int Base, int Width>
using crop_shapes = std::tuple<shape<Rois, Base, Base, Width>, shape<Rois, Base / 2, Base / 2, Width>, shape<Rois, Base / 4, Base / 4, Width>,
                               shape<Rois, Base / 8, Base / 8, Width>>;

// What can be asked of a stage before its shapes.
template <class B>
concept backbone_form = module<B> && gives_maps<B, trial_image> && requires {
  typename std::integral_constant<int, B::channels[3]>;
};
template <class R, int Width>
concept rpn_form = module<R> && requires(const R& r, const trial_level<Width>& level) {
  { r(level).objectness } -> handle;
  { r(level).deltas } -> handle;
};
template <class Scores, class Deltas>
constexpr void take_predictions(const box_predictions<Scores, Deltas>&) {}
template <class B, int Width>
concept box_form = module<B> && requires(const B& b, const trial<5, B::side, B::side, Width>& pooled) {
  {take_predictions(b(pooled))};
  { b(pooled).scores } -> handle;
  { b(pooled).deltas } -> handle;
};
template <class C, int Width>
concept cropper_form = gives_maps<C, trial_pyramid<Width>, trial_rois> && requires {
  typename std::integral_constant<int, C::base>;
  typename std::bool_constant<C::takes_whole_images>;
};
template <class A, int D, int Side, int Tokens>
concept aggregator_form = module<typename A::template stage<D, 4>> &&
    requires(const typename A::template stage<D, 4>& a, const trial<2, Tokens, D>& tokens, const trial_map<D, Side>& map) {
  { a.attend(tokens) } -> operand;
  { a.refine(map) } -> operand;
  { a.fuse(map, map, map, map) } -> operand;
};

}  // namespace detail

/// A backbone: a module with `channels`, of C2 to C5, and a call from an image, shape<N, H, W, 3>, to a tuple of maps at strides 4, 8, 16 and 32.
template <class B>
concept detection_backbone = detail::backbone_form<B> && detail::gives_maps_of<B, detail::backbone_shapes<B>, detail::trial_image>;

/// A pyramid: a module with a call from a tuple of C2 to C5 to a tuple of P2 to P6, Width channels each; P2 to P5 are as large as C2 to C5, P6 half
/// of P5.
template <class P, int Width, int C2, int C3, int C4, int C5>
concept pyramid_stage = detail::gives_maps_of<P, detail::pyramid_shapes<Width>, detail::trials<detail::map_shapes<C2, C3, C4, C5>>>;

/// A head of the RPN: a module with a call from a level, shape<N, H, W, Width>, to an rpn_level: objectness shape<N, H, W, 3> and deltas
/// shape<N, H, W, 12>, anchor by anchor.
template <class R, int Width>
concept rpn_stage = detail::rpn_form<R, Width> && requires(const R& r, const detail::trial_level<Width>& level) {
  { r(level).objectness } -> detail::operand_of_shape<shape<2, 8, 8, anchor_shapes>>;
  { r(level).deltas } -> detail::operand_of_shape<shape<2, 8, 8, 4 * anchor_shapes>>;
};

/// A box head: a module with `side`, that of pooled boxes, and a call from these, shape<K, side, side, Width>, to box_predictions: scores shape<K, 2>
/// and deltas shape<K, 8>, background first.
template <class B, int Width>
concept box_stage = detail::box_form<B, Width> && requires(const B& b, const detail::trial<5, B::side, B::side, Width>& pooled) {
  { b(pooled).scores } -> detail::operand_of_shape<shape<5, 2>>;
  { b(pooled).deltas } -> detail::operand_of_shape<shape<5, 8>>;
};

/// A cropper: `base`, the side of its largest crop, `takes_whole_images`, whether regions are whole images, and a call from a pyramid P2 to P6 of
/// Width channels and RoIs, shape<K, 5>, to a tuple of the crops of P2 to P5, shape<K, base / 2^l, base / 2^l, Width> for l = 0 to 3. One with
/// DCS_MEMBERS is trained with the network.
template <class C, int Width = 32>
concept region_cropper = detail::cropper_form<C, Width> &&
    std::is_same_v<detail::given_shapes<C, detail::trial_pyramid<Width>, detail::trial_rois>, detail::crop_shapes<3, C::base, Width>>;

/// An aggregator: a template stage<D, Levels>, a module that attends over the tokens of all levels, shape<K, Tokens, D>, refines a map, shape<K,
/// Side, Side, D>, and fuses four, deepest first. Each keeps the shape.
template <class A, int D = 32, int Side = 64, int Tokens = 256>
concept feature_aggregator = detail::aggregator_form<A, D, Side, Tokens> &&
    requires(const typename A::template stage<D, 4>& a, const detail::trial<2, Tokens, D>& tokens, const detail::trial_map<D, Side>& map) {
  { a.attend(tokens) } -> detail::operand_of_shape<shape<2, Tokens, D>>;
  { a.refine(map) } -> detail::operand_of_shape<shape<2, Side, Side, D>>;
  { a.fuse(map, map, map, map) } -> detail::operand_of_shape<shape<2, Side, Side, D>>;
};

/// An enhancement: a module with a call from a crop, shape<K, Side, Side, D>, to a map of its shape.
template <class E, int D>
concept enhance_stage = detail::gives_map_of<E, shape<2, 16, 16, D>, detail::trial_map<D>>;

/// An encoder: a module with a call from an enhanced crop, shape<K, Side, Side, D>, to a map of its shape.
template <class E, int D>
concept encode_stage = detail::gives_map_of<E, shape<2, 16, 16, D>, detail::trial_map<D>>;

/// An embedding of patches: a module with a call from an encoded crop, shape<K, Side, Side, D>, to shape<K, Side / P, Side / P, D>.
template <class E, int D, int P>
concept embed_stage = detail::gives_map_of<E, shape<2, 8, 8, D>, detail::trial_map<D, 8 * P>>;

/// A decoder: a module with a call from a skip, shape<K, Side, Side, D>, and the decoded deeper level, of half the side, to a map of the skip's
/// shape.
template <class F, int D>
concept decode_stage = detail::gives_map_of<F, shape<2, 16, 16, D>, detail::trial_map<D>, detail::trial_map<D, 8>>;

/// A head of logits: a module with a call from a map, shape<K, Side, Side, D>, to shape<K, Side, Side, 1>.
template <class L, int D>
concept logits_stage = detail::gives_map_of<L, shape<2, 16, 16, 1>, detail::trial_map<D>>;

}  // namespace dcs
