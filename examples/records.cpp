#include "records.hpp"

#include <dcs/image/overlay.hpp>
#include <dcs/image/resize.hpp>
#include <dcs/io/png.hpp>
#include <dcs/train/run/curves.hpp>
#include <dcs/train/run/events.hpp>

#include <chrono>
#include <filesystem>

namespace programs {

namespace {

// At most `side` pixels high and wide.
dcs::image shrunk(const dcs::image& i, std::int64_t side) {
  const std::int64_t longest = std::max(i.height, i.width);
  if (longest <= side) return i;
  const dcs::float_image small =
      dcs::resize(i, std::max<std::int64_t>(i.height * side / longest, 1), std::max<std::int64_t>(i.width * side / longest, 1));
  dcs::image out{small.height, small.width, small.channels, {}};
  for (const float v : small.pixels) out.pixels.push_back(static_cast<std::uint8_t>(std::clamp(v, 0.0f, 255.0f) + 0.5f));
  return out;
}

}  // namespace

dcs::io::log_image logged_overlay(const dcs::sample& s, const dcs::prediction& found) {
  const dcs::image picture = shrunk(dcs::draw_overlay(s.pixels, s.truth, found.above(), dcs::boxes_of(found.detections)), 512);
  return {"overlays/" + dcs::printable(s.name), picture.height, picture.width, dcs::io::png_bytes(picture)};
}

void record_epoch(const std::string& run, bool tensorboard, std::vector<dcs::io::log_image> overlays) {
  const dcs::run_folder folder(run);
  dcs::write_curves(folder);
  if (!tensorboard) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  dcs::write_events(folder, std::chrono::duration<double>(now).count(), std::move(overlays));
}

void complete_records(const std::string& run, bool tensorboard) {
  namespace fs = std::filesystem;
  const dcs::run_folder folder(run);
  if (!fs::exists(folder.results())) return;
  const auto behind = [&](const std::string& record) {
    return !fs::exists(record) || fs::last_write_time(record) < fs::last_write_time(folder.results());
  };
  if (behind(folder.curves()) || (tensorboard && behind(folder.events()))) record_epoch(run, tensorboard);
}

}  // namespace programs
