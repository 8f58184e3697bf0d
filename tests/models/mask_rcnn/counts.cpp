// The compiler counts what torchvision's maskrcnn_resnet50_fpn of two classes has, with 1000 proposals and 100 detections: parameters, true
// multiply-adds, and those of the tool thop.
#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

#include <doctest/doctest.h>

using namespace dcs;
using net_type = mask_rcnn<resnet<50>>;

namespace {

template <extent_t Side, extent_t Proposals, extent_t Detections>
inline constexpr work work_of = [] {
  work total;
  const net_type net{};
  net.count<Proposals, Detections>(probe<float, shape<1, Side, Side, 3>>{&total});
  return total;
}();

}  // namespace

static_assert(parameters<net_type> == 43'922'395);
static_assert(work_of<256, 1000, 100>.multiply_adds == 77'613'527'040);
static_assert(work_of<256, 1000, 100>.thop == 93'027'594'240);
static_assert(work_of<512, 1000, 100>.multiply_adds == 114'481'397'760);
static_assert(work_of<512, 1000, 100>.thop == 129'895'464'960);

TEST_CASE("a frozen backbone's norms are not learned, everything else is") {
  extent_t count = 0, trained = 0;
  net_type net;
  for_each_parameter(net, [&](const std::string&, const parameter_base& p) {
    count += p.is_buffer() ? 0 : p.size();
    trained += p.trained() ? p.size() : 0;
  });
  CHECK(count == parameters<net_type>);
  CHECK(trained == count);
}
