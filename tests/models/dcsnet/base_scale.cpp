// The head at the largest base scale: crops of 128, 64, 32 and 16, so that P5's crop is larger than its grid of tokens.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/models/dcsnet/dcsnet.hpp>

#include <doctest/doctest.h>

#include <memory>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

constexpr int width = 8;
using head_type = segmentation_head<width, 128, msfa<1, 2>>;
static_assert(head_type::sizes == std::array{128, 64, 32, 16});
static_assert(head_type::tokens == 4 * 64 && head_type::grid_of(3) == 8 && head_type::patch(0) == 16 && head_type::patch(3) == 2);

template <int Side>
using level = shape<dyn<"batch">, Side, Side, width>;
template <int Side, int Channels>
using region = tensor<float, shape<dyn<"roi">, Side, Side, Channels>>;

bool equal_regions(const region<128, 1>& x, extent_t i, const region<128, 1>& y, extent_t k) {
  double worst = 0;
  for (extent_t p = 0; p < 128 * 128; ++p)
    worst = std::max(worst, std::abs(static_cast<double>(x.data()[i * 128 * 128 + p]) - static_cast<double>(y.data()[k * 128 * 128 + p])));
  return worst < 1e-5;
}

}  // namespace

TEST_CASE("at base scale 128 crops and logits have their sizes, and a region's logits do not depend on the others") {
  const auto head = std::make_unique<head_type>();
  initialize(*head, 3);
  const auto pyramid =
      std::tuple(random_normal<float, level<16>>({2, 16, 16, width}, {1, 1}), random_normal<float, level<8>>({2, 8, 8, width}, {1, 2}),
                 random_normal<float, level<4>>({2, 4, 4, width}, {1, 3}), random_normal<float, level<2>>({2, 2, 2, width}, {1, 4}));
  using rois_type = tensor<float, shape<dyn<"roi">, 5>>;
  const auto segment = [&](const rois_type& rois) {
    const auto crops = dghc<128>()(pyramid, rois);
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(crops)>, std::tuple<region<128, 8>, region<64, 8>, region<32, 8>, region<16, 8>>>);
    return (*head)(crops);
  };
  const auto all = segment(rois_type::from(std::vector<float>{0, 4, 4, 60, 52, 1, 0, 0, 64, 64, 0, 4, 4, 60, 52}, {3, 5}));
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(all)>, segmentation<region<128, 1>>>);
  const auto alone = segment(rois_type::from(std::vector<float>{1, 0, 0, 64, 64}, {1, 5}));
  const auto check = [](const region<128, 1>& of_all, const region<128, 1>& of_one) {
    REQUIRE(of_all.sizes() == sizes<4>{3, 128, 128, 1});
    for (float v : of_all.values()) REQUIRE(std::isfinite(v));
    CHECK(equal_regions(of_all, 0, of_all, 2));
    CHECK(equal_regions(of_all, 1, of_one, 0));
    CHECK_FALSE(equal_regions(of_all, 0, of_all, 1));
  };
  check(all.main, alone.main);
  check(all.edge, alone.edge);
  for (std::size_t i = 0; i < 4; ++i) check(all.levels[i], alone.levels[i]);
  CHECK(segment(rois_type::empty({0, 5})).main.sizes() == sizes<4>{0, 128, 128, 1});
}
