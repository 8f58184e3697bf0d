// data/yolo.hpp: the outlines of a file of text, drawn.
#include "target.hpp"

#include <dcs/data/yolo.hpp>

DCS_FUZZ_TARGET(yolo) {
  constexpr std::int64_t side = 16;
  fuzz::accepts([&] {
    for (auto& o : dcs::detail::yolo_objects(bytes, "fuzz")) {
      for (auto& corner : o.corners) corner.x *= side, corner.y *= side;
      dcs::for_each_pixel_inside(o.corners, side, side,
                                 [&](std::int64_t y, std::int64_t x) { fuzz::check(y >= 0 && y < side && x >= 0 && x < side, "pixels lie inside"); });
    }
  });
}
