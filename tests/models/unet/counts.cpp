// The compiler counts what PyTorch's model of UNet has: parameters, true multiply-adds, and those of the tool thop.
#include "../counts.hpp"

#include <dcs/models/unet/unet.hpp>

#include <doctest/doctest.h>

using namespace dcs;

static_assert(parameters<unet<>> == 31'037'633);
static_assert(macs<unet<>, shape<1, 256, 256, 3>> == 48'167'387'136);
static_assert(thop_macs<unet<>, shape<1, 256, 256, 3>> == 54'737'764'352);
static_assert(macs<unet<>, shape<1, 512, 512, 3>> == 4 * macs<unet<>, shape<1, 256, 256, 3>>);
static_assert(thop_macs<unet<>, shape<1, 512, 512, 3>> == 4 * thop_macs<unet<>, shape<1, 256, 256, 3>>);

TEST_CASE("UNet has as many learned values as the compiler counts") {
  unet<4> net;
  CHECK(network_test::counted_values(net) == parameters<unet<4>>);
}
