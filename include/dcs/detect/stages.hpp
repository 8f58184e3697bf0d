// The stages of a detector that a user may replace, and the requirements of each, stated as contracts (nn/stage.hpp): a backbone, a pyramid, the head
// of the RPN, and the box head. The last three are aliases of one struct, so that a detector has one template argument for them and its symbols stay
// short:
//
//   struct my_stages : dcs::models::dcsnet::stages { template <int Width> using rpn = my_rpn_head<Width>; };
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/anchors.hpp>
#include <dcs/nn/stage.hpp>

DCS_EXACT_MATH
namespace dcs {

template <int Width>
struct rpn_head;
template <int Width, int Hidden = 1024>
struct box_head;
template <class Scores, class Deltas>
struct box_predictions;

/// The aliases of a detector's heads; a model adds its pyramid as `pyramid<Width, C2, C3, C4, C5>`, a pyramid_stage.
struct detector_stages {
  /// rpn_stage: objectness and deltas of a level's anchors.
  template <int Width>
  using rpn = rpn_head<Width>;
  /// box_stage: scores and deltas of pooled boxes.
  template <int Width>
  using box = box_head<Width>;
};

/// Roles of the library's stages that models/ defines.
struct backbone_role;
template <int Width, int C2, int C3, int C4, int C5>
struct pyramid_role;

template <class Found, class Expected, class Axis>
struct backbone_map_count_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: a backbone gives the four maps C2 to C5; number of maps");
};
template <class Found, class Expected, class Axis>
struct backbone_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::faster_rcnn: the maps of a backbone have strides 4, 8, 16 and 32 (axes 1 and 2) and its channels (axis 3)");
};
template <class Found, class Expected, class Axis>
struct pyramid_level_count_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: a pyramid gives the five levels P2 to P6; number of levels");
};
template <class Found, class Expected, class Axis>
struct pyramid_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::faster_rcnn: a level of the pyramid is as large as its map, P6 half of P5 (axes 1 and 2), and as wide as the detector "
                "(axis 3)");
};
template <class Found, class Expected, class Axis>
struct rpn_objectness_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: the RPN head gives one objectness for each anchor of a place, 3 (axis 3)");
};
template <class Found, class Expected, class Axis>
struct rpn_delta_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: the RPN head gives four deltas for each anchor of a place, 12 (axis 3)");
};
template <class Found, class Expected, class Axis>
struct box_score_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: the box head gives two scores of each box (axis 1)");
};
template <class Found, class Expected, class Axis>
struct box_delta_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::faster_rcnn: the box head gives eight deltas of each box (axis 1)");
};

namespace detail {

// The arguments of trial calls: an image, maps, and the levels of a pyramid.
using trial_image = trial<2, 64, 64, 3>;
template <int C2, int C3, int C4, int C5>
using map_shapes = std::tuple<shape<2, 16, 16, C2>, shape<2, 8, 8, C3>, shape<2, 4, 4, C4>, shape<2, 2, 2, C5>>;
template <int Width>
using pyramid_shapes =
    std::tuple<shape<2, 16, 16, Width>, shape<2, 8, 8, Width>, shape<2, 4, 4, Width>, shape<2, 2, 2, Width>, shape<2, 1, 1, Width>>;
template <int Width>
using trial_level = trial<2, 8, 8, Width>;

template <class Scores, class Deltas>
constexpr void take_predictions(const box_predictions<Scores, Deltas>&) {}

// The requirements of a stage that do not concern shapes.
template <class B>
concept backbone_form = module<B> && gives_maps<B, trial_image> && requires {
  typename std::integral_constant<int, B::channels[3]>;
};
template <class R, int Width>
concept rpn_form = module<R> && requires(const R& r, const trial_level<Width>& level) {
  { r(level).objectness } -> handle;
  { r(level).deltas } -> handle;
};
template <class B, int Width>
concept box_form = module<B> && requires(const B& b, const trial<5, B::side, B::side, Width>& pooled) {
  {take_predictions(b(pooled))};
  { b(pooled).scores } -> handle;
  { b(pooled).deltas } -> handle;
};

template <class B>
struct backbone_contract {
  static constexpr bool ours = is_tested<B, backbone_role>;
  static constexpr bool form = backbone_form<B>;
  static constexpr void require_form() {
    static_assert(
        form, "dcs::faster_rcnn: a backbone has channels of C2 to C5 and a call from N,H,W,3 to a tuple of four maps (concept detection_backbone)");
  }
  static constexpr auto shapes() {
    return shape_list<expectations<backbone_map_count_mismatch, backbone_mismatch, result_shapes<B, trial_image>,
                                   map_shapes<B::channels[0], B::channels[1], B::channels[2], B::channels[3]>>>();
  }
};

template <class P, int Width, int C2, int C3, int C4, int C5>
struct pyramid_contract {
  using maps = trials<map_shapes<C2, C3, C4, C5>>;
  static constexpr bool ours = is_tested<P, pyramid_role<Width, C2, C3, C4, C5>>;
  static constexpr bool form = module<P> && gives_maps<P, maps>;
  static constexpr void require_form() {
    static_assert(form, "dcs::faster_rcnn: a pyramid is a module with a call from a tuple of four maps to a tuple of five (concept pyramid_stage)");
  }
  static constexpr auto shapes() {
    return shape_list<expectations<pyramid_level_count_mismatch, pyramid_mismatch, result_shapes<P, maps>, pyramid_shapes<Width>>>();
  }
};

template <class R, int Width>
struct rpn_contract {
  static constexpr bool ours = std::is_same_v<R, rpn_head<Width>>;
  static constexpr bool form = rpn_form<R, Width>;
  static constexpr void require_form() {
    static_assert(form,
                  "dcs::faster_rcnn: an RPN head is a module with a call from a level to an rpn_level of objectness and deltas (concept rpn_stage)");
  }
  static constexpr auto shapes() {
    using level = call_result<R, trial_level<Width>>;
    return shape_list<expectation<rpn_objectness_mismatch, shape_t<decltype(level::objectness)>, shape<2, 8, 8, anchor_shapes>>,
                      expectation<rpn_delta_mismatch, shape_t<decltype(level::deltas)>, shape<2, 8, 8, 4 * anchor_shapes>>>();
  }
};

template <class B, int Width>
struct box_contract {
  static constexpr bool ours = std::is_same_v<B, box_head<Width>>;
  static constexpr bool form = box_form<B, Width>;
  static constexpr void require_form() {
    static_assert(form, "dcs::faster_rcnn: a box head is a module with side and a call from pooled boxes to box_predictions (concept box_stage)");
  }
  static constexpr auto shapes() {
    using predictions = call_result<B, trial<5, B::side, B::side, Width>>;
    return shape_list<expectation<box_score_mismatch, shape_t<decltype(predictions::scores)>, shape<5, 2>>,
                      expectation<box_delta_mismatch, shape_t<decltype(predictions::deltas)>, shape<5, 8>>>();
  }
};

}  // namespace detail

/// A backbone: a module with `channels`, of C2 to C5, and a call from an image, shape<N, H, W, 3>, to a tuple of maps at strides 4, 8, 16 and 32.
template <class B>
concept detection_backbone = fulfils<detail::backbone_contract<B>>;

/// A pyramid: a module with a call from a tuple of C2 to C5 to a tuple of P2 to P6, Width channels each; P2 to P5 are as large as C2 to C5, P6 half
/// of P5.
template <class P, int Width, int C2, int C3, int C4, int C5>
concept pyramid_stage = fulfils<detail::pyramid_contract<P, Width, C2, C3, C4, C5>>;

/// A head of the RPN: a module with a call from a level, shape<N, H, W, Width>, to an rpn_level: objectness shape<N, H, W, 3> and deltas
/// shape<N, H, W, 12>, anchor by anchor.
template <class R, int Width>
concept rpn_stage = fulfils<detail::rpn_contract<R, Width>>;

/// A box head: a module with `side`, that of pooled boxes, and a call from these, shape<K, side, side, Width>, to box_predictions: scores shape<K, 2>
/// and deltas shape<K, 8>, background first.
template <class B, int Width>
concept box_stage = fulfils<detail::box_contract<B, Width>>;

}  // namespace dcs

#include <dcs/core/header_end.inl>
