// Images, masks, their objects, label maps, and all of them at another size.
#pragma once

#include <dcs/image/labels.hpp>
#include <dcs/image/objects.hpp>
#include <dcs/image/pixels.hpp>
#include <dcs/image/resize.hpp>
