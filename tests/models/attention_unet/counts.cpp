// The compiler counts what PyTorch's model of Attention U-Net has: parameters, true multiply-adds, and those of the tool thop.
#include "../counts.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

#include <doctest/doctest.h>

using namespace dcs;

static_assert(parameters<attention_unet<>> == 34'878'573);
static_assert(macs<attention_unet<>, shape<1, 256, 256, 3>> == 66'424'930'304);
static_assert(thop_macs<attention_unet<>, shape<1, 256, 256, 3>> == 66'631'847'936);
static_assert(macs<attention_unet<>, shape<1, 512, 512, 3>> == 4 * macs<attention_unet<>, shape<1, 256, 256, 3>>);
static_assert(thop_macs<attention_unet<>, shape<1, 512, 512, 3>> == 4 * thop_macs<attention_unet<>, shape<1, 256, 256, 3>>);

TEST_CASE("Attention U-Net has as many learned values as the compiler counts") {
  attention_unet<4> net;
  CHECK(network_test::counted_values(net) == parameters<attention_unet<4>>);
}
