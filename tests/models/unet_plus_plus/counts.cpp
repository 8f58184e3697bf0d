// The compiler counts what PyTorch's model of UNet++ has: parameters, true multiply-adds, and those of the tool thop.
#include "../counts.hpp"

#include <dcs/models/unet_plus_plus/unet_plus_plus.hpp>

#include <doctest/doctest.h>

using namespace dcs;

static_assert(parameters<unet_plus_plus<>> == 9'163'329);
static_assert(macs<unet_plus_plus<>, shape<1, 256, 256, 3>> == 34'485'567'488);
static_assert(thop_macs<unet_plus_plus<>, shape<1, 256, 256, 3>> == 34'903'425'024);
static_assert(macs<unet_plus_plus<>, shape<1, 512, 512, 3>> == 4 * macs<unet_plus_plus<>, shape<1, 256, 256, 3>>);
static_assert(thop_macs<unet_plus_plus<>, shape<1, 512, 512, 3>> == 4 * thop_macs<unet_plus_plus<>, shape<1, 256, 256, 3>>);

TEST_CASE("UNet++ has as many learned values as the compiler counts") {
  unet_plus_plus<4> net;
  CHECK(network_test::counted_values(net) == parameters<unet_plus_plus<4>>);
}
