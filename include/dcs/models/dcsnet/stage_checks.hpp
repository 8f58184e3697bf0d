// What a network asserts of its stages as soon as its type is complete. What lacks a member or a call is told the concept; where shapes differ from
// those that the next stage takes, a check prints stage, axis and both numbers, as ops do (core/extent.hpp). The functions are only asked for the
// type of their result, `passed`, which compiles their bodies: what is not evaluated gives no error about its evaluation after the one that counts.
// The library's own stages are right by their tests and cost a network no trial.
#pragma once

#include <dcs/models/dcsnet/stages.hpp>

namespace dcs {

DCS_DEFINE_EXTENT_CHECK(stage_rank_mismatch, "dcs: a stage of a network gives a value with too many or too few axes; number of axes");
DCS_DEFINE_EXTENT_CHECK(backbone_map_count_mismatch, "dcs::faster_rcnn: a backbone gives the four maps C2 to C5; number of maps");
DCS_DEFINE_EXTENT_CHECK(backbone_mismatch,
                        "dcs::faster_rcnn: the maps of a backbone have strides 4, 8, 16 and 32 (axes 1 and 2) and its `channels` (axis 3)");
DCS_DEFINE_EXTENT_CHECK(pyramid_level_count_mismatch, "dcs::faster_rcnn: a pyramid gives the five levels P2 to P6; number of levels");
DCS_DEFINE_EXTENT_CHECK(pyramid_mismatch,
                        "dcs::faster_rcnn: a level of the pyramid is as large as its map, P6 half of P5 (axes 1 and 2), and as wide as the detector "
                        "(axis 3)");
DCS_DEFINE_EXTENT_CHECK(rpn_objectness_mismatch, "dcs::faster_rcnn: the RPN head gives one objectness for each anchor of a place, 3 (axis 3)");
DCS_DEFINE_EXTENT_CHECK(rpn_delta_mismatch, "dcs::faster_rcnn: the RPN head gives four deltas for each anchor of a place, 12 (axis 3)");
DCS_DEFINE_EXTENT_CHECK(box_score_mismatch, "dcs::faster_rcnn: the box head gives two scores of each box (axis 1)");
DCS_DEFINE_EXTENT_CHECK(box_delta_mismatch, "dcs::faster_rcnn: the box head gives eight deltas of each box (axis 1)");
DCS_DEFINE_EXTENT_CHECK(crop_count_mismatch, "dcs::dcsnet: a cropper gives the four crops of P2 to P5; number of crops");
DCS_DEFINE_EXTENT_CHECK(crop_mismatch,
                        "dcs::dcsnet: a crop has the side base, base / 2, base / 4 or base / 8 (axes 1 and 2) and the pyramid's channels (axis 3)");
DCS_DEFINE_EXTENT_CHECK(attend_mismatch, "dcs::segmentation_head: an aggregator's attend keeps the shape of the tokens");
DCS_DEFINE_EXTENT_CHECK(refine_mismatch, "dcs::segmentation_head: an aggregator's refine keeps the shape of a map");
DCS_DEFINE_EXTENT_CHECK(fuse_mismatch, "dcs::segmentation_head: an aggregator's fuse makes of four maps one of the same shape");
DCS_DEFINE_EXTENT_CHECK(enhance_mismatch, "dcs::segmentation_head: the enhancement of a crop keeps its shape");
DCS_DEFINE_EXTENT_CHECK(encode_mismatch, "dcs::segmentation_head: the encoder of a crop keeps its shape");
DCS_DEFINE_EXTENT_CHECK(embed_mismatch, "dcs::segmentation_head: an embedding gives one token for each patch of a crop, as wide as the crop");
DCS_DEFINE_EXTENT_CHECK(decode_mismatch, "dcs::segmentation_head: the decoder gives a map of the skip's shape");
DCS_DEFINE_EXTENT_CHECK(logits_mismatch,
                        "dcs::segmentation_head: a head of logits keeps a map's sides (axes 1 and 2) and gives one channel (axis 3)");

namespace detail {

using passed = std::true_type;

// The shape found is the one expected, or the compiler prints each axis that differs. A function for each axis: clang stops at the first error of
// one. Axes are looked at only where there is an error.
template <class Check>
constexpr auto check_axis() {
  (void)Check{};
  return passed();
}
template <template <class, class, class> class Check, class Found, class Expected, std::size_t... I>
constexpr auto check_axes(std::index_sequence<I...>) {
  (check_axis<Check<found<extent_of<Found, static_cast<int>(I)>>, expected<extent_of<Expected, static_cast<int>(I)>>, axis<static_cast<int>(I)>>>(),
   ...);
  return passed();
}
template <template <class, class, class> class Check, class Found, class Expected>
constexpr auto check_shape() {
  if constexpr (std::is_same_v<Found, Expected>)
    return passed();
  else if constexpr (Found::rank == Expected::rank)
    return check_axes<Check, Found, Expected>(std::make_index_sequence<static_cast<std::size_t>(Found::rank)>{});
  else
    return check_axis<stage_rank_mismatch<found<Found::rank>, expected<Expected::rank>, axis<Expected::rank - 1>>>();
}
template <template <class, class, class> class Check, class Found, class Expected, std::size_t... I>
constexpr auto check_each(std::index_sequence<I...>) {
  (check_shape<Check, std::tuple_element_t<I, Found>, std::tuple_element_t<I, Expected>>(), ...);
  return passed();
}
template <template <class, class, class> class Count, template <class, class, class> class Check, class Found, class Expected>
constexpr auto check_shapes() {
  constexpr auto n = std::tuple_size_v<Found>, wanted = std::tuple_size_v<Expected>;
  if constexpr (std::is_same_v<Found, Expected>)
    return passed();
  else if constexpr (n == wanted)
    return check_each<Check, Found, Expected>(std::make_index_sequence<n>{});
  else
    return check_axis<Count<found<static_cast<extent_t>(n)>, expected<static_cast<extent_t>(wanted)>, axis<0>>>();
}

template <class Stage>
inline constexpr bool is_ours = false;
template <int Depth, template <int> class Norm>
inline constexpr bool is_ours<resnet<Depth, Norm>> = true;
template <int Base>
inline constexpr bool is_ours<dghc<Base>> = true;
template <int Base>
inline constexpr bool is_ours<whole_image<Base>> = true;
template <int Layers, int Heads>
inline constexpr bool is_ours<msfa<Layers, Heads>> = true;
template <>
inline constexpr bool is_ours<mean_fusion> = true;

template <class B>
constexpr auto check_backbone() {
  if constexpr (!is_ours<B>) {
    static_assert(
        backbone_form<B>,
        "dcs::faster_rcnn: a backbone has channels of C2 to C5 and a call from N,H,W,3 to a tuple of four maps (concept detection_backbone)");
    if constexpr (backbone_form<B>) check_shapes<backbone_map_count_mismatch, backbone_mismatch, given_shapes<B, trial_image>, backbone_shapes<B>>();
  }
  return passed();
}

template <class P, int Width, int C2, int C3, int C4, int C5>
constexpr auto check_pyramid() {
  if constexpr (!std::is_same_v<P, fpn<Width, C2, C3, C4, C5>>) {
    using maps = trials<map_shapes<C2, C3, C4, C5>>;
    static_assert(module<P> && gives_maps<P, maps>,
                  "dcs::faster_rcnn: a pyramid is a module with a call from a tuple of four maps to a tuple of five (concept pyramid_stage)");
    if constexpr (gives_maps<P, maps>) check_shapes<pyramid_level_count_mismatch, pyramid_mismatch, given_shapes<P, maps>, pyramid_shapes<Width>>();
  }
  return passed();
}

template <class R, int Width>
constexpr auto check_rpn() {
  if constexpr (!std::is_same_v<R, rpn_head<Width>>) {
    static_assert(rpn_form<R, Width>,
                  "dcs::faster_rcnn: an RPN head is a module with a call from a level to an rpn_level of objectness and deltas (concept rpn_stage)");
    if constexpr (rpn_form<R, Width>) {
      using level = given<R, trial_level<Width>>;
      check_shape<rpn_objectness_mismatch, shape_t<decltype(level::objectness)>, shape<2, 8, 8, anchor_shapes>>();
      check_shape<rpn_delta_mismatch, shape_t<decltype(level::deltas)>, shape<2, 8, 8, 4 * anchor_shapes>>();
    }
  }
  return passed();
}

template <class B, int Width>
constexpr auto check_box() {
  if constexpr (!std::is_same_v<B, box_head<Width>>) {
    static_assert(box_form<B, Width>,
                  "dcs::faster_rcnn: a box head is a module with side and a call from pooled boxes to box_predictions (concept box_stage)");
    if constexpr (box_form<B, Width>) {
      using predictions = given<B, trial<5, B::side, B::side, Width>>;
      check_shape<box_score_mismatch, shape_t<decltype(predictions::scores)>, shape<5, 2>>();
      check_shape<box_delta_mismatch, shape_t<decltype(predictions::deltas)>, shape<5, 8>>();
    }
  }
  return passed();
}

template <class C, int Width>
constexpr auto check_cropper() {
  if constexpr (!is_ours<C>) {
    static_assert(cropper_form<C, Width>,
                  "dcs::dcsnet: a cropper has base, takes_whole_images and a call from pyramid and RoIs to four crops (concept region_cropper)");
    if constexpr (cropper_form<C, Width>)
      check_shapes<crop_count_mismatch, crop_mismatch, given_shapes<C, trial_pyramid<Width>, trial_rois>, crop_shapes<3, C::base, Width>>();
  }
  return passed();
}

// Of the crops that a head is given.
template <class Crops, int Base, int Width>
constexpr auto check_crops() {
  using shapes = typename shapes_of<Crops>::type;
  static_assert(!std::is_void_v<shapes>, "dcs::segmentation_head: crops are a tuple of maps");
  if constexpr (!std::is_void_v<shapes>)
    check_shapes<crop_count_mismatch, crop_mismatch, shapes, crop_shapes<extent_of<std::tuple_element_t<0, shapes>, 0>, Base, Width>>();
  return passed();
}

template <class A, int D, int Side, int Tokens>
constexpr auto check_aggregator() {
  if constexpr (!is_ours<A>) {
    static_assert(aggregator_form<A, D, Side, Tokens>,
                  "dcs::segmentation_head: an aggregator has a stage<D, Levels> with attend, refine and fuse (concept feature_aggregator)");
    if constexpr (aggregator_form<A, D, Side, Tokens>) {
      using stage = const typename A::template stage<D, 4>&;
      using tokens = trial<2, Tokens, D>;
      using map = trial_map<D, Side>;
      check_shape<attend_mismatch, shape_t<decltype(std::declval<stage>().attend(tokens()))>, shape<2, Tokens, D>>();
      check_shape<refine_mismatch, shape_t<decltype(std::declval<stage>().refine(map()))>, shape<2, Side, Side, D>>();
      check_shape<fuse_mismatch, shape_t<decltype(std::declval<stage>().fuse(map(), map(), map(), map()))>, shape<2, Side, Side, D>>();
    }
  }
  return passed();
}

template <class E, int D>
constexpr auto check_enhance() {
  if constexpr (!std::is_same_v<E, dcs::enhance<D>>) {
    static_assert(gives_map<E, trial_map<D>>, "dcs::segmentation_head: an enhancement is a module with a call from a crop (concept enhance_stage)");
    if constexpr (gives_map<E, trial_map<D>>) check_shape<enhance_mismatch, shape_t<given<E, trial_map<D>>>, shape<2, 16, 16, D>>();
  }
  return passed();
}

template <class E, int D>
constexpr auto check_encode() {
  if constexpr (!std::is_same_v<E, crop_encoder<D>>) {
    static_assert(gives_map<E, trial_map<D>>,
                  "dcs::segmentation_head: an encoder is a module with a call from an enhanced crop (concept encode_stage)");
    if constexpr (gives_map<E, trial_map<D>>) check_shape<encode_mismatch, shape_t<given<E, trial_map<D>>>, shape<2, 16, 16, D>>();
  }
  return passed();
}

template <class E, int D, int P>
constexpr auto check_embed() {
  if constexpr (!std::is_same_v<E, patch_embedding<D, P>>) {
    static_assert(gives_map<E, trial_map<D, 8 * P>>,
                  "dcs::segmentation_head: an embedding is a module with a call from an encoded crop (concept embed_stage)");
    if constexpr (gives_map<E, trial_map<D, 8 * P>>) check_shape<embed_mismatch, shape_t<given<E, trial_map<D, 8 * P>>>, shape<2, 8, 8, D>>();
  }
  return passed();
}

template <class F, int D>
constexpr auto check_decode() {
  if constexpr (!std::is_same_v<F, skip_fusion<D>>) {
    static_assert(gives_map<F, trial_map<D>, trial_map<D, 8>>,
                  "dcs::segmentation_head: a decoder is a module with a call from a skip and the decoded deeper level (concept decode_stage)");
    if constexpr (gives_map<F, trial_map<D>, trial_map<D, 8>>)
      check_shape<decode_mismatch, shape_t<given<F, trial_map<D>, trial_map<D, 8>>>, shape<2, 16, 16, D>>();
  }
  return passed();
}

template <class L, int D, int... Hidden>
constexpr auto check_logits() {
  if constexpr (!std::is_same_v<L, logit_head<D, Hidden...>>) {
    static_assert(gives_map<L, trial_map<D>>, "dcs::segmentation_head: a head of logits is a module with a call from a map (concept logits_stage)");
    if constexpr (gives_map<L, trial_map<D>>) check_shape<logits_mismatch, shape_t<given<L, trial_map<D>>>, shape<2, 16, 16, 1>>();
  }
  return passed();
}

}  // namespace detail

}  // namespace dcs
