// Images and how they are resized stand in image/. This is where they stood before, for code that includes it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/image.hpp>
#include <dcs/image/resize.hpp>

#include <dcs/core/header_end.inl>
