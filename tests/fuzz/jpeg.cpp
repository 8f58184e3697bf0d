// io/jpeg.hpp: the wrapper of the library that decodes JPEG.
#include "images.hpp"

DCS_FUZZ_TARGET(jpeg) { fuzz::read_all_ways(bytes); }
