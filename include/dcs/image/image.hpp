// Images, masks, their objects, and all of them at another size.
#pragma once

#include <dcs/image/objects.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/image/resize.hpp>
