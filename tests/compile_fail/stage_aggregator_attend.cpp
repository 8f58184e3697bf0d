// expect: dcs::segmentation_head: an aggregator's attend keeps the shape of the tokens
// expect: attend_mismatch<dcs::found_extent<64>, dcs::expected_extent<208>, dcs::axis<1>
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Keeps the tokens of P2 alone.
struct first_tokens {
  template <int D, int Levels>
  struct stage : dcs::models::dcsnet::mean_fusion::stage<D, Levels> {
    template <dcs::operand X>
    constexpr auto attend(const X& tokens) const {
      return eval(dcs::slice<1, 0, 64>(tokens));
    }
  };
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, first_tokens> head; }
