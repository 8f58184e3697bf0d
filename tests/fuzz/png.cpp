// io/png.hpp: the wrapper of the library that decodes PNG.
#include "images.hpp"

DCS_FUZZ_TARGET(png) { fuzz::read_all_ways(bytes); }
