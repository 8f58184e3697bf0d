// Images and how they are resized stand in image/. This is where they stood before, for code that includes it.
#pragma once

#include <dcs/image/image.hpp>
