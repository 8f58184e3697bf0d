// expect: dcs::segmentation_head: an aggregator has a stage<D, Levels> with attend, refine and fuse
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Neither attends nor refines.
struct sum {
  template <int D, int Levels>
  struct stage {
    template <class Visit>
    constexpr void members(Visit&&) const {}
    template <dcs::operand X>
    constexpr auto fuse(const X& d5, const X& d4, const X& d3, const X& d2) const {
      return eval(d5 + d4 + d3 + d2);
    }
  };
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, sum> head; }
