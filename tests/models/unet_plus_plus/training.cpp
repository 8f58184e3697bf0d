// UNet++ as the library trains and asks it.
#include "../training.hpp"

#include <dcs/models/unet_plus_plus/unet_plus_plus.hpp>

using net_type = dcs::unet_plus_plus<4, 3>;

TEST_CASE("UNet++ trains, and goes on after a checkpoint to the same bits") { network_test::check_training<net_type>(); }

TEST_CASE("UNet++ is evaluated and predicts") {
  static_assert(!dcs::region_segmenter<net_type>);  // it looks into no boxes
  network_test::check_prediction<net_type>({});
}
