// What runs the network of number DCS_VARIANT forward alone, on the host: see variant_net.hpp.
#include "variant_net.hpp"

DCS_FORWARD_UNIT()
