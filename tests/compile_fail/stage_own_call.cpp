// expect: dcs::segmentation_head: a decoder is a module with a call from a skip and the decoded deeper level
#include <dcs/models/dcsnet/segmentation_head.hpp>

// Takes one map, not two.
struct stages : dcs::models::dcsnet::stages {
  template <int D>
  using decode = dcs::models::dcsnet::enhance<D>;
};
int main() { dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion, stages> head; }
