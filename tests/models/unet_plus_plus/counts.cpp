// The compiler counts what PyTorch's model of UNet++ has: parameters, true multiply-adds, and those of the tool thop.
#include <dcs/models/unet_plus_plus/unet_plus_plus.hpp>

#include <doctest/doctest.h>

using namespace dcs;

static_assert(parameters<unet_plus_plus<>> == 9'163'329);
static_assert(macs<unet_plus_plus<>, shape<1, 256, 256, 3>> == 34'485'567'488);
static_assert(thop_macs<unet_plus_plus<>, shape<1, 256, 256, 3>> == 34'903'425'024);
static_assert(macs<unet_plus_plus<>, shape<1, 512, 512, 3>> == 4 * macs<unet_plus_plus<>, shape<1, 256, 256, 3>>);
static_assert(thop_macs<unet_plus_plus<>, shape<1, 512, 512, 3>> == 4 * thop_macs<unet_plus_plus<>, shape<1, 256, 256, 3>>);

TEST_CASE("UNet++ has as many learned values as the compiler counts") {
  extent_t count = 0;
  unet_plus_plus<4> net;
  for_each_parameter(net, [&](const std::string&, const parameter_base& p) { count += p.is_buffer() ? 0 : p.size(); });
  CHECK(count == parameters<unet_plus_plus<4>>);
}
