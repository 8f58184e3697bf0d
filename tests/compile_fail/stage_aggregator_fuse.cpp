// expect: dcs::segmentation_head: an aggregator's fuse makes of four maps one of the same shape
// expect: fuse_mismatch<dcs::found_extent<128>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Lays the levels side by side.
struct concatenation {
  template <int D, int Levels>
  struct stage : dcs::models::dcsnet::mean_fusion::stage<D, Levels> {
    template <dcs::operand... X>
    constexpr auto fuse(const X&... maps) const {
      return eval(dcs::concat<dcs::channel>(maps...));
    }
  };
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, concatenation> head; }
