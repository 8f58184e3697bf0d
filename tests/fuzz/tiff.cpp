// io/tiff.hpp: the wrapper of the library that decodes TIFF.
#include "images.hpp"

DCS_FUZZ_TARGET(tiff) { fuzz::read_all_ways(bytes); }
