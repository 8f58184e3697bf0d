// Images, masks, their objects, and all of them at another size.
#pragma once

#include <dcs/data/objects.hpp>
#include <dcs/data/pixels.hpp>
#include <dcs/data/resize.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>
