// UNet against PyTorch: every stage, the loss, all gradients and running statistics of a step, and its state dict.
#include "../values.hpp"
#include "../../compare/pixelwise.hpp"

#include <dcs/models/unet/unet.hpp>

using net_type = dcs::unet<2>;

TEST_CASE("UNet has PyTorch's values") {
  network_test::check_values(dcs::test::goldens("networks/unet"), compare::make_pixelwise<net_type>("unet", "True"),
                             {"output", "loss", "grad", "after"});
}

TEST_CASE("UNet reads and writes PyTorch's state dict") { network_test::check_state_dict<net_type>(dcs::test::goldens("networks/unet")); }
