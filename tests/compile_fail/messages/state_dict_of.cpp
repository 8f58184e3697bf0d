// expect: DCS_MEMBERS
#include <dcs/dcs.hpp>
#include <dcs/nn/state_dict.hpp>
using namespace dcs;

int main() {
  tensor<float, shape<8, 8>> weights;
  (void)load_state_dict(weights, io::safetensors());  // here
}
