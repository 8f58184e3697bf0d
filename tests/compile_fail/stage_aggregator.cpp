// expect: dcs::dcsnet: an aggregator has a stage<D, Levels> with attend, refine and fuse
#include <dcs/models/dcsnet.hpp>

int main() {
  struct sum {
    template <int D, int L>
    struct stage {};
  };
  dcs::dcsnet<dcs::resnet<18>, dcs::dghc<64>, sum> net;
}
