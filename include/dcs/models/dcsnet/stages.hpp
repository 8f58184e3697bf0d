// The stages of DCSNet that a user may replace, and the requirements of each, stated as contracts (nn/stage.hpp). Backbone, cropper and aggregator,
// which papers vary, are template arguments of the network; the others are aliases of one struct, `stages`, so that a network has one more argument
// instead of seven and its symbols stay short. A user derives from it and replaces an alias:
//
//   struct mine : dcs::models::dcsnet::stages { template <int D> using encode = my_encoder<D>; };
//   using net = dcs::dcsnet<dcs::resnet<18>, dghc<32>, msfa<2, 4>, 32, mine>;
//
// A stage's call is const, and a template over operands or over the tuple that holds them.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/stages.hpp>
#include <dcs/models/fpn/fpn.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

template <int Base>
struct dghc;
template <int Base>
struct whole_image;
template <int Layers, int Heads>
struct msfa;
struct mean_fusion;
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
struct stages : detector_stages {
  /// pyramid_stage: from maps C2 to C5, of as many channels, to levels P2 to P6.
  template <int Width, int C2, int C3, int C4, int C5>
  using pyramid = dcs::fpn<Width, C2, C3, C4, C5>;
  /// enhance_stage, one for each level: the first stage over a crop.
  template <int D>
  using enhance = dcsnet::enhance<D>;
  /// encode_stage, one for each level: from an enhanced crop to the map from which tokens are made, and which is the decoder's skip.
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

template <class Found, class Expected, class Axis>
struct crop_count_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::dcsnet: a cropper gives the four crops of P2 to P5; number of crops");
};
template <class Found, class Expected, class Axis>
struct crop_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::dcsnet: a crop has the side base, base / 2, base / 4 or base / 8 (axes 1 and 2) and the pyramid's channels (axis 3)");
};
template <class Found, class Expected, class Axis>
struct attend_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: an aggregator's attend keeps the shape of the tokens");
};
template <class Found, class Expected, class Axis>
struct refine_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: an aggregator's refine keeps the shape of a map");
};
template <class Found, class Expected, class Axis>
struct fuse_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: an aggregator's fuse makes of four maps one of the same shape");
};
template <class Found, class Expected, class Axis>
struct enhance_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: the enhancement of a crop keeps its shape");
};
template <class Found, class Expected, class Axis>
struct encode_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: the encoder of a crop keeps its shape");
};
template <class Found, class Expected, class Axis>
struct embed_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: an embedding gives one token for each patch of a crop, as wide as the crop");
};
template <class Found, class Expected, class Axis>
struct decode_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::segmentation_head: the decoder gives a map of the skip's shape");
};
template <class Found, class Expected, class Axis>
struct logits_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::segmentation_head: a head of logits keeps a map's sides (axes 1 and 2) and gives one channel (axis 3)");
};

namespace contracts {

using trial_rois = trial<3, 5>;
template <int Width>
using trial_pyramid = trials<dcs::detail::pyramid_shapes<Width>>;
template <extent Rois, int Base, int Width>
using crop_shapes = std::tuple<shape<Rois, Base, Base, Width>, shape<Rois, Base / 2, Base / 2, Width>, shape<Rois, Base / 4, Base / 4, Width>,
                               shape<Rois, Base / 8, Base / 8, Width>>;

template <class Stage>
inline constexpr bool is_ours = false;
template <int Base>
inline constexpr bool is_ours<dghc<Base>> = true;
template <int Base>
inline constexpr bool is_ours<whole_image<Base>> = true;
template <int Layers, int Heads>
inline constexpr bool is_ours<msfa<Layers, Heads>> = true;
template <>
inline constexpr bool is_ours<mean_fusion> = true;

// The requirements of a stage that do not concern shapes.
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

template <class C, int Width>
struct cropper {
  static constexpr bool ours = is_ours<C>;
  static constexpr bool form = cropper_form<C, Width>;
  static constexpr void require_form() {
    static_assert(form,
                  "dcs::dcsnet: a cropper has base, takes_whole_images and a call from pyramid and RoIs to four crops (concept region_cropper)");
  }
  static constexpr auto shapes() {
    return shape_list<
        expectations<crop_count_mismatch, crop_mismatch, result_shapes<C, trial_pyramid<Width>, trial_rois>, crop_shapes<3, C::base, Width>>>();
  }
};

/// The shapes of a head's crops.
template <class Crops, int Base, int Width>
struct crops {
  using found = typename dcs::detail::shapes_of<Crops>::type;
  static constexpr bool ours = false;
  static constexpr bool form = !std::is_void_v<found>;
  static constexpr void require_form() { static_assert(form, "dcs::segmentation_head: crops are a tuple of maps"); }
  static constexpr auto shapes() {
    return shape_list<
        expectations<crop_count_mismatch, crop_mismatch, found, crop_shapes<extent_of<std::tuple_element_t<0, found>, 0>, Base, Width>>>();
  }
};

template <class A, int D, int Side, int Tokens>
struct aggregator {
  static constexpr bool ours = is_ours<A>;
  static constexpr bool form = aggregator_form<A, D, Side, Tokens>;
  static constexpr void require_form() {
    static_assert(form, "dcs::segmentation_head: an aggregator has a stage<D, Levels> with attend, refine and fuse (concept feature_aggregator)");
  }
  static constexpr auto shapes() {
    using stage = const typename A::template stage<D, 4>&;
    using tokens = trial<2, Tokens, D>;
    using map = trial_map<D, Side>;
    return shape_list<
        expectation<attend_mismatch, shape_t<decltype(std::declval<stage>().attend(tokens()))>, shape<2, Tokens, D>>,
        expectation<refine_mismatch, shape_t<decltype(std::declval<stage>().refine(map()))>, shape<2, Side, Side, D>>,
        expectation<fuse_mismatch, shape_t<decltype(std::declval<stage>().fuse(map(), map(), map(), map()))>, shape<2, Side, Side, D>>>();
  }
};

template <class E, int D>
struct enhance : map_contract<enhance_mismatch, E, shape<2, 16, 16, D>, trial_map<D>> {
  static constexpr bool ours = std::is_same_v<E, dcsnet::enhance<D>>;
  static constexpr void require_form() {
    static_assert(enhance::form, "dcs::segmentation_head: an enhancement is a module with a call from a crop (concept enhance_stage)");
  }
};

template <class E, int D>
struct encode : map_contract<encode_mismatch, E, shape<2, 16, 16, D>, trial_map<D>> {
  static constexpr bool ours = std::is_same_v<E, crop_encoder<D>>;
  static constexpr void require_form() {
    static_assert(encode::form, "dcs::segmentation_head: an encoder is a module with a call from an enhanced crop (concept encode_stage)");
  }
};

template <class E, int D, int P>
struct embed : map_contract<embed_mismatch, E, shape<2, 8, 8, D>, trial_map<D, 8 * P>> {
  static constexpr bool ours = std::is_same_v<E, patch_embedding<D, P>>;
  static constexpr void require_form() {
    static_assert(embed::form, "dcs::segmentation_head: an embedding is a module with a call from an encoded crop (concept embed_stage)");
  }
};

template <class F, int D>
struct decode : map_contract<decode_mismatch, F, shape<2, 16, 16, D>, trial_map<D>, trial_map<D, 8>> {
  static constexpr bool ours = std::is_same_v<F, skip_fusion<D>>;
  static constexpr void require_form() {
    static_assert(decode::form,
                  "dcs::segmentation_head: a decoder is a module with a call from a skip and the decoded deeper level (concept decode_stage)");
  }
};

template <class L, int D, int... Hidden>
struct logits : map_contract<logits_mismatch, L, shape<2, 16, 16, 1>, trial_map<D>> {
  static constexpr bool ours = std::is_same_v<L, logit_head<D, Hidden...>>;
  static constexpr void require_form() {
    static_assert(logits::form, "dcs::segmentation_head: a head of logits is a module with a call from a map (concept logits_stage)");
  }
};

}  // namespace contracts

/// A cropper: `base`, the side of its largest crop, `takes_whole_images`, whether regions are whole images, and a call from a pyramid P2 to P6 of
/// Width channels and RoIs, shape<K, 5>, to a tuple of the crops of P2 to P5, shape<K, base / 2^l, base / 2^l, Width> for l = 0 to 3. One with
/// DCS_MEMBERS is trained with the network.
template <class C, int Width = 32>
concept region_cropper = fulfils<contracts::cropper<C, Width>>;

/// An aggregator: a template stage<D, Levels>, a module that attends over the tokens of all levels, shape<K, Tokens, D>, refines a map, shape<K,
/// Side, Side, D>, and fuses four, deepest first. Each keeps the shape.
template <class A, int D = 32, int Side = 64, int Tokens = 256>
concept feature_aggregator = fulfils<contracts::aggregator<A, D, Side, Tokens>>;

/// An enhancement: a module with a call from a crop, shape<K, Side, Side, D>, to a map of its shape.
template <class E, int D>
concept enhance_stage = fulfils<contracts::enhance<E, D>>;

/// An encoder: a module with a call from an enhanced crop, shape<K, Side, Side, D>, to a map of its shape.
template <class E, int D>
concept encode_stage = fulfils<contracts::encode<E, D>>;

/// An embedding of patches: a module with a call from an encoded crop, shape<K, Side, Side, D>, to shape<K, Side / P, Side / P, D>.
template <class E, int D, int P>
concept embed_stage = fulfils<contracts::embed<E, D, P>>;

/// A decoder: a module with a call from a skip, shape<K, Side, Side, D>, and the decoded deeper level, of half the side, to a map of the skip's
/// shape.
template <class F, int D>
concept decode_stage = fulfils<contracts::decode<F, D>>;

/// A head of logits: a module with a call from a map, shape<K, Side, Side, D>, to shape<K, Side, Side, 1>.
template <class L, int D>
concept logits_stage = fulfils<contracts::logits<L, D>>;

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
