// A step of training the network of number DCS_VARIANT, on the host: see variant_net.hpp.
#include "variant_net.hpp"

DCS_TRAIN_UNIT()
