// expect: dcs::segmentation_head: an aggregator's refine keeps the shape of a map
// expect: refine_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Doubles the channels.
struct widening {
  template <int D, int Levels>
  struct stage : dcs::models::dcsnet::mean_fusion::stage<D, Levels> {
    template <dcs::operand X>
    constexpr auto refine(const X& map) const {
      return eval(dcs::concat<dcs::channel>(map, map));
    }
  };
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, widening> head; }
