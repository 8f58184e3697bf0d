// expect: dcs::segmentation_head: a decoder is a module with a call from a skip and the decoded deeper level
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Takes one map, not two.
struct stages : dcs::dcsnet_stages {
  template <int D>
  using decode = dcs::enhance<D>;
};
int main() { dcs::segmentation_head<32, 32, dcs::mean_fusion, stages> head; }
