// Regions chosen and jittered on the device against the host's functions.
#include "../../detect/padded.hpp"

#include <dcs/models/dcsnet/regions.cuh>

using namespace dcs;
using namespace dcs::models::dcsnet;
using namespace kernel_test;

namespace {

template <class Body>
void over_options(const Body& body) {
  for (std::uint64_t seed = 1; seed <= (on_gpu ? 1 : 2); ++seed) {
    cuda::emulated::options().seed = seed;
    for (int most : {1, 4, 7})
      for (bool only : {false, true}) {
        region_options o;
        o.most = most, o.ground_truth_only = only;
        if constexpr (!on_gpu) body(o, double{});
        body(o, float{});
      }
  }
}
// True boxes and proposals of the images: of several, of one, of one with nothing, and of none.
using counts = std::vector<int>;
const std::vector<std::pair<counts, counts>> batches{{{3, 0, 1, 6}, {90, 40, 0, 2000}}, {{1}, {1}}, {{2}, {9}}, {{0}, {0}}, {{}, {}}};

}  // namespace

TEST_CASE("kernel choose_regions: the host's choice: more true boxes than places, proposals in the remaining places, no truth, no proposal") {
  over_options([](region_options o, auto t) {
    using A = decltype(t);
    o.centre_deviation = o.size_deviation = 0;
    for (const auto& [truths, proposals] : batches) {
      const auto truth = random_boxes<A>(truths, {1, 1}), boxes = proposals_near(truth, proposals, {1, 2});
      CAPTURE(truth.size());
      const padded<A> there(truth, 6), found(boxes, 2000);
      const auto r = models::dcsnet::regions(target{}, o, static_cast<extent_t>(truth.size()), 64, 64,
                                             cuda::proposals_and_truth<A>{found.seen(), there.seen()}, {2, 2}, {3, 3});
      const auto rois = to<cpu_device>(r.rois);
      const auto mask = to<cpu_device>(r.mask);
      extent_t at = 0;
      std::size_t live = 0;
      for (std::size_t n = 0; n < truth.size(); ++n) {
        const auto wanted = choose_regions(o, boxes[n], truth[n], random_stream{2, 2}.child(n));
        live += wanted.size();
        for (std::size_t k = 0; k < static_cast<std::size_t>(o.most); ++k, ++at) {
          const auto b = k < wanted.size() ? jitter(o, wanted[k], 64, 64, {}) : box<A>{0, 0, 1, 1};
          CHECK(mask.data()[at] == A(k < wanted.size()));
          CHECK(rois(at, 0) == static_cast<A>(n));
          const double apart =
              std::max({std::abs(rois(at, 1) - b.x1), std::abs(rois(at, 2) - b.y1), std::abs(rois(at, 3) - b.x2), std::abs(rois(at, 4) - b.y2)});
          CHECK(apart <= (on_gpu ? 1e-5 : 0));
        }
      }
      if (truth.size() == 4) CHECK(live >= 3);
      CHECK(at == mask.size());
    }
  });
}

TEST_CASE("kernel jitter_regions: the host's noise, at the border too; the box (0, 0, 1, 1) where there is no region") {
  over_options([](const region_options& o, auto t) {
    using A = decltype(t);
    for (const auto& [truths, proposals] : batches) {
      auto truth = random_boxes<A>(truths, {4, 1});
      CAPTURE(truth.size());
      if (truth.size() > 2) truth[2][0] = {static_cast<A>(63.5), 0, 64, static_cast<A>(0.5)};
      const auto boxes = proposals_near(truth, proposals, {4, 2});
      const padded<A> there(truth, 9), found(boxes, 2001);
      const auto r = models::dcsnet::regions(target{}, o, static_cast<extent_t>(truth.size()), 64, 64,
                                             cuda::proposals_and_truth<A>{found.seen(), there.seen()}, {5, 5}, {6, 6});
      const auto rois = to<cpu_device>(r.rois);
      extent_t at = 0;
      for (std::size_t n = 0; n < truth.size(); ++n) {
        const auto wanted = choose_regions(o, boxes[n], truth[n], random_stream{5, 5}.child(n));
        for (std::size_t k = 0; k < static_cast<std::size_t>(o.most); ++k, ++at) {
          const auto b = k < wanted.size() ? jitter(o, wanted[k], 64, 64, random_stream{6, 6}.child(n).child(k)) : box<A>{0, 0, 1, 1};
          const double apart =
              std::max({std::abs(rois(at, 1) - b.x1), std::abs(rois(at, 2) - b.y1), std::abs(rois(at, 3) - b.x2), std::abs(rois(at, 4) - b.y2)});
          CHECK(apart <= (on_gpu ? 1e-5 : 0));
        }
      }
      CHECK(at == r.mask.size());
    }
  });
}
