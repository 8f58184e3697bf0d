// Attention U-Net against PyTorch: every stage, the loss, all gradients and running statistics of a step, and its state dict.
#include "../values.hpp"
#include "../../compare/pixelwise.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

using net_type = dcs::attention_unet<2>;

TEST_CASE("Attention U-Net has PyTorch's values") {
  network_test::check_values(dcs::test::goldens("networks/attention_unet"), compare::make_pixelwise<net_type>("attention-unet", "True"),
                             {"output", "loss", "grad", "after"});
}

TEST_CASE("Attention U-Net reads and writes PyTorch's state dict") {
  network_test::check_state_dict<net_type>(dcs::test::goldens("networks/attention_unet"));
}
