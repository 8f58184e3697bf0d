// The counts at compile time are those of the paper's table and of the tool thop; most of the test is that this file compiles.
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/nn/summary.hpp>

#include <doctest/doctest.h>

#include <sstream>

using namespace dcs;
using namespace dcs::models::dcsnet;

using paper = dcsnet<resnet<50>, dghc<64>, msfa<4, 8>>;
using plain = dcsnet<resnet<50>, dghc<64>, mean_fusion>;
using scratch_norm = dcsnet<resnet<50, nn::batch_norm>, dghc<64>, msfa<4, 8>>;

static_assert(parameters<paper> == 57'983'267);
static_assert(parameters<plain> == 54'029'663);
static_assert(parameters<scratch_norm> == 58'036'387);
static_assert(parameters<decltype(paper::detector)> == 41'299'161);
static_assert(parameters<decltype(paper::head)> == 16'684'106);
static_assert(parameters<decltype(paper::detector.body.conv1)> == 9'408);

// torchvision's resnet34 and resnet101 have 21,797,672 and 44,549,160 parameters, of which the classifier, which dcs leaves out, holds
// 512 · 1000 + 1000 and 2048 · 1000 + 1000. Gamma and beta of a norm from scratch are parameters, those of a frozen one are not: 2 for each
// channel of a norm. ResNet-34 has 64 (stem) + 3 · 2 · 64 + 4 · 2 · 128 + 6 · 2 · 256 + 3 · 2 · 512 + (128 + 256 + 512) (shortcuts) = 8,512 such
// channels; ResNet-101 64 + 3 · 384 + 4 · 768 + 23 · 1536 + 3 · 3072 + (256 + 512 + 1024 + 2048) = 52,672.
static_assert(parameters<resnet<34, nn::batch_norm>> == 21'797'672 - 513'000);
static_assert(parameters<resnet<101, nn::batch_norm>> == 44'549'160 - 2'049'000);
static_assert(parameters<resnet<34>> == 21'284'672 - 2 * 8'512);
static_assert(parameters<resnet<101>> == 42'500'160 - 2 * 52'672);

static_assert(network_work<paper, 256>.thop == 46'864'250'112);
static_assert(network_work<paper, 512, 970>.thop == 83'315'004'672);
static_assert(network_work<plain, 512>.thop == 77'886'144'512);
static_assert(network_work<paper, 256>.multiply_adds == 47'228'235'776);
static_assert(network_work<paper, 512>.multiply_adds == 84'096'106'496);

// The types of every stage, static but for batch, RoIs and the image's side.
template <class T>
using image = T;
using images = tensor<float, shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>>;
template <int Halvings, int Channels>
using level = tensor<float, shape<dyn<"batch">, divided(dyn<"height">, 1 << Halvings), divided(dyn<"width">, 1 << Halvings), Channels>>;
using backbone_maps = decltype(std::declval<const resnet<50>&>()(std::declval<const images&>()));
static_assert(std::is_same_v<backbone_maps, std::tuple<level<2, 256>, level<3, 512>, level<4, 1024>, level<5, 2048>>>);
static_assert(std::is_same_v<decltype(std::declval<const resnet<34>&>()(std::declval<const images&>())),
                             std::tuple<level<2, 64>, level<3, 128>, level<4, 256>, level<5, 512>>>);
static_assert(std::is_same_v<decltype(std::declval<const resnet<101>&>()(std::declval<const images&>())), backbone_maps>);
using pyramid_maps = decltype(std::declval<const paper&>().detector.features(std::declval<const images&>()));
static_assert(std::is_same_v<pyramid_maps, std::tuple<level<2, 256>, level<3, 256>, level<4, 256>, level<5, 256>, level<6, 256>>>);
using rois_type = tensor<float, shape<dyn<"roi">, 5>>;
using crop_maps = decltype(std::declval<const dghc<64>&>()(std::declval<const pyramid_maps&>(), std::declval<const rois_type&>()));
template <int Side, int Channels>
using region = tensor<float, shape<dyn<"roi">, Side, Side, Channels>>;
static_assert(std::is_same_v<crop_maps, std::tuple<region<64, 256>, region<32, 256>, region<16, 256>, region<8, 256>>>);
using outputs = decltype(std::declval<const paper&>().segment(std::declval<const pyramid_maps&>(), std::declval<const rois_type&>()));
static_assert(std::is_same_v<outputs, segmentation<region<64, 1>>>);
static_assert(decltype(paper::head)::tokens == 256);
static_assert(segmentation_head<256, 32, msfa<>>::tokens == 208);
using rpn_maps = decltype(std::declval<const rpn_head<256>&>()(std::declval<const level<2, 256>&>()));
static_assert(std::is_same_v<decltype(rpn_maps::objectness), level<2, 3>> && std::is_same_v<decltype(rpn_maps::deltas), level<2, 12>>);
using pooled = tensor<float, shape<dyn<"proposal">, 7, 7, 256>>;
using proposals = tensor<float, shape<dyn<"proposal">, 5>>;
using pooling_levels = tensor<std::int64_t, shape<dyn<"proposal">>>;
static_assert(std::is_same_v<decltype(roi_align_levels<7>(std::declval<const proposals&>(), std::declval<const pooling_levels&>(),
                                                          std::declval<const std::array<double, 4>&>(), 2, std::declval<const level<2, 256>&>(),
                                                          std::declval<const level<3, 256>&>(), std::declval<const level<4, 256>&>(),
                                                          std::declval<const level<5, 256>&>())),
                             pooled>);
using box_maps = decltype(std::declval<const box_head<256>&>()(std::declval<const pooled&>()));
static_assert(std::is_same_v<decltype(box_maps::scores), tensor<float, shape<dyn<"proposal">, 2>>>);
static_assert(std::is_same_v<decltype(box_maps::deltas), tensor<float, shape<dyn<"proposal">, 8>>>);

// Inside the head, stage by stage.
template <class Stage, class... X>
using output_of = std::remove_cvref_t<decltype(eval(std::declval<const Stage&>()(std::declval<const X&>()...)))>;
template <class Stage, int Side>
inline constexpr bool keeps = std::is_same_v<output_of<Stage, region<Side, 256>>, region<Side, 256>>;
static_assert(keeps<enhance<256>, 64> && keeps<enhance<256>, 32> && keeps<enhance<256>, 16> && keeps<enhance<256>, 8>);
static_assert(keeps<crop_encoder<256>, 64> && keeps<crop_encoder<256>, 32> && keeps<crop_encoder<256>, 16> && keeps<crop_encoder<256>, 8>);
using paper_head = decltype(paper::head);
template <int Level, int Side>
using patches_of = output_of<std::tuple_element_t<Level, decltype(paper_head::embed)>, region<Side, 256>>;
static_assert(std::is_same_v<patches_of<0, 64>, region<8, 256>> && std::is_same_v<patches_of<1, 32>, region<8, 256>>);
static_assert(std::is_same_v<patches_of<2, 16>, region<8, 256>> && std::is_same_v<patches_of<3, 8>, region<8, 256>>);
using sequence = tensor<float, shape<dyn<"roi">, 256, 256>>;
static_assert(std::is_same_v<output_of<nn::transformer_encoder_layer<256, 8, 1024>, sequence>, sequence>);
template <int Side>
using decoded = output_of<skip_fusion<256>, region<Side, 256>, region<Side / 2, 256>>;
static_assert(std::is_same_v<decoded<16>, region<16, 256>> && std::is_same_v<decoded<32>, region<32, 256>> &&
              std::is_same_v<decoded<64>, region<64, 256>>);
static_assert(std::is_same_v<decltype(resize_bilinear<corners::aligned, 64, 64>(std::declval<const region<8, 256>&>())), region<64, 256>>);
static_assert(keeps<refinement<256>, 64>);
static_assert(std::is_same_v<output_of<gate_logits<256, 4>, region<64, 256>, region<64, 256>, region<64, 256>, region<64, 256>>, region<64, 4>>);
using paper_fusion = msfa<4, 8>::stage<256, 4>;
static_assert(
    std::is_same_v<decltype(std::declval<const paper_fusion&>().fuse(std::declval<const region<64, 256>&>(), std::declval<const region<64, 256>&>(),
                                                                     std::declval<const region<64, 256>&>(), std::declval<const region<64, 256>&>())),
                   region<64, 256>>);
static_assert(std::is_same_v<output_of<logit_head<256, 128>, region<64, 256>>, region<64, 1>>);
static_assert(std::is_same_v<output_of<logit_head<256, 128, 64>, region<64, 256>>, region<64, 1>>);
static_assert(std::is_same_v<output_of<logit_head<256, 64>, region<64, 256>>, region<64, 1>>);
// The intermediate results that an observer of the head gets: tokens and attended tokens, the gate's weights, the fused map.
struct type_trace {
  template <class X>
  constexpr void operator()(const char*, const X&) const {
    static_assert(std::is_same_v<X, sequence> || std::is_same_v<X, region<64, 4>> || std::is_same_v<X, region<64, 256>>);
  }
};
static_assert(
    std::is_same_v<decltype(std::declval<const paper_head&>()(std::declval<const crop_maps&>(), true, type_trace())), segmentation<region<64, 1>>>);

// The concepts of stages.
struct other_channels : resnet<18> {
  static constexpr std::array<int, 4> channels{64, 128, 256, 1024};
};
struct other_base : dghc<64> {
  static constexpr int base = 32;
};
struct other_fusion {
  template <int D, int Levels>
  struct stage : mean_fusion::stage<D, Levels> {
    template <operand... X>
    constexpr auto fuse(const X&... maps) const {
      return concat<channel>(maps...);
    }
  };
};
static_assert(detection_backbone<resnet<18>> && !detection_backbone<nn::dropout> && !detection_backbone<other_channels>);
static_assert(region_cropper<dghc<32>> && region_cropper<whole_image<64>> && !region_cropper<int> && !region_cropper<other_base>);
static_assert(feature_aggregator<msfa<2, 4>> && feature_aggregator<mean_fusion> && !feature_aggregator<dghc<32>> &&
              !feature_aggregator<other_fusion>);
static_assert(pyramid_stage<fpn<32, 8, 8, 12, 16>, 32, 8, 8, 12, 16> && !pyramid_stage<fpn<16, 8, 8, 12, 16>, 32, 8, 8, 12, 16>);
static_assert(rpn_stage<rpn_head<32>, 32> && !rpn_stage<enhance<32>, 32>);
static_assert(box_stage<box_head<32>, 32> && !box_stage<rpn_head<32>, 32>);
static_assert(enhance_stage<enhance<32>, 32> && !enhance_stage<logit_head<32, 16>, 32>);
static_assert(encode_stage<crop_encoder<32>, 32> && !encode_stage<skip_fusion<32>, 32>);
static_assert(embed_stage<patch_embedding<32, 4>, 32, 4> && !embed_stage<patch_embedding<32, 4>, 32, 2>);
static_assert(decode_stage<skip_fusion<32>, 32> && !decode_stage<enhance<32>, 32>);
static_assert(logits_stage<logit_head<32, 16>, 32> && !logits_stage<crop_encoder<32>, 32>);
// A user's stages without any alias have the library's stages and types.
static_assert(std::is_same_v<paper, dcsnet<resnet<50>, dghc<64>, msfa<4, 8>, 256, models::dcsnet::stages>>);
static_assert(std::is_same_v<decltype(paper::detector), faster_rcnn<resnet<50>, 256, stages>>);
static_assert(std::is_same_v<paper_head, segmentation_head<256, 64, msfa<4, 8>>>);

namespace {

// Networks of a user's own: the counts at run time equal the constants.
struct small_net {
  nn::conv2d<3, 8, 3> conv;
  nn::batch_norm<8> norm;
  nn::conv2d<8, 4, 1> project;
  DCS_MEMBERS(conv, norm, project)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(project(eval(relu(norm(conv(x))))));
  }
};
struct token_net {
  nn::transformer_encoder_layer<16, 2, 32> layer;
  nn::linear<16, 3> head;
  parameter<shape<5, 16>, init::trunc_normal<20>> position;
  DCS_MEMBERS(layer, head, position)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return head(layer(eval(x + position.as(x))));
  }
};
struct pooled_net {
  nn::conv2d<4, 6, 3, 2> conv;
  nn::conv2d<6, 6, 3, 1, 1, 6> depthwise;
  nn::linear<6, 2> classify;
  DCS_MEMBERS(conv, depthwise, classify)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto y = global_avg_pool(eval(depthwise(eval(relu(conv(x))))));
    return classify(reshape<shape<extent_of<shape_t<X>, 0>, 6>>(y));
  }
};

template <class Net, class Input>
void check() {
  Net net;
  initialize(net, 1);
  extent_t learned = 0;
  for_each_parameter(net, [&](const std::string&, const parameter_base& p) { learned += p.is_buffer() ? 0 : p.memory().bytes() / 4; });
  CHECK(learned == parameters<Net>);

  const random_scope draws(1, 1);
  for (const bool training : {false, true}) {
    summary table(net);
    if (training)
      (void)net(var<float, Input>(tensor<float, Input>::zeros()));
    else
      (void)net(tensor<float, Input>::zeros());
    CHECK(table.total().multiply_adds == macs<Net, Input>);
    CHECK(table.total().thop == thop_macs<Net, Input>);
    CHECK(table.parameters() == parameters<Net>);
    // The columns of the table add up to its last line.
    extent_t parameters_listed = 0, work_listed = 0;
    std::istringstream text(table.text());
    std::string line, last;
    std::getline(text, line);
    while (std::getline(text, line)) {
      std::istringstream fields(line.substr(52 + 22 + 1));
      extent_t p = 0, m = 0;
      REQUIRE(static_cast<bool>(fields >> p >> m));
      parameters_listed += p, work_listed += m;
      last = line;
    }
    CHECK(last.rfind("total", 0) == 0);
    CHECK(parameters_listed == 2 * parameters<Net>);
    CHECK(work_listed == 2 * macs<Net, Input>);
  }
  work total;
  (void)eval(Net{}(probe<float, Input>{&total}));
  CHECK(total.multiply_adds == macs<Net, Input>);
}

}  // namespace

TEST_CASE("counts at run time equal those at compile time") {
  static_assert(parameters<small_net> == 3 * 3 * 3 * 8 + 8 + 16 + 8 * 4 + 4);
  static_assert(macs<small_net, shape<2, 8, 8, 3>> == 2 * 64 * (27 * 8 + 32));
  static_assert(thop_macs<small_net, shape<2, 8, 8, 3>> == 2 * 64 * (27 * 8 + 32) + 4 * 2 * 64 * 8);
  // The projections of attention, the rest of it, the FFN, two norms, the head, the positions.
  static_assert(parameters<token_net> == 16 * 48 + 48 + 16 * 16 + 16 + 16 * 32 + 32 + 32 * 16 + 16 + 2 * 32 + 16 * 3 + 3 + 5 * 16);
  static_assert(macs<token_net, shape<2, 5, 16>> == 10 * (16 * 48 + 16 * 16) + 2 * 2 * 2 * 5 * 5 * 8 + 10 * 2 * 16 * 32 + 10 * 16 * 3);
  static_assert(thop_macs<token_net, shape<2, 5, 16>> == 10 * 2 * 16 * 32 + 10 * 16 * 3 + 2 * 4 * 10 * 16);
  static_assert(parameters<pooled_net> == 9 * 4 * 6 + 6 + 9 * 6 + 6 + 6 * 2 + 2);
  static_assert(macs<pooled_net, shape<3, 9, 9, 4>> == 3 * 25 * 9 * 4 * 6 + 3 * 25 * 9 * 6 + 3 * 6 * 2);
  static_assert(thop_macs<pooled_net, shape<3, 9, 9, 4>> == macs<pooled_net, shape<3, 9, 9, 4>> + 3 * 6 * (25 + 1));
  check<small_net, shape<2, 8, 8, 3>>();
  check<token_net, shape<2, 5, 16>>();
  check<pooled_net, shape<3, 9, 9, 4>>();
}
