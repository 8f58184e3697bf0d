// expect: dcs::segmentation_head: the base scale is 32, 64 or 128
// expect: segmentation_head_base<dcs::found_extent<48>, dcs::expected_extent<64>, dcs::axis<1>
#include <dcs/models/dcsnet/segmentation_head.hpp>

int main() { dcs::models::dcsnet::segmentation_head<256, 48, dcs::models::dcsnet::mean_fusion> head; }
