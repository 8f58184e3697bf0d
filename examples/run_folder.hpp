// A run is a folder: config.json, results.csv, last.safetensors, best.safetensors, evaluation.json, overlays/.
#pragma once

#include "session.hpp"

#include <dcs/train/loop.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace programs {

using json = nlohmann::json;

inline json read_json(const std::string& path) {
  std::ifstream in(path);
  dcs::expect(in.good(), path, ": cannot be opened");
  try {
    return json::parse(in);
  } catch (const json::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
}
inline void write_text(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  std::ofstream out(partial);
  out << text;
  out.close();
  const bool written = out.good() && std::rename(partial.c_str(), path.c_str()) == 0;
  if (!written) std::remove(partial.c_str());
  dcs::expect(written, path, ": cannot be written");
}

/// A number as text that reads back to the same bits.
inline std::string exact(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

inline json to_json(const train_config& c) {
  return {{"net", c.net},
          {"data", c.data},
          {"backbone", c.backbone},
          {"side", c.side},
          {"epochs", c.epochs},
          {"batch", c.batch},
          {"seed", c.seed},
          {"rate", c.rate},
          {"weight_decay", c.weight_decay},
          {"patience", c.patience},
          {"stop_after", c.stop_after},
          {"images", c.images},
          {"augment", c.augment},
          {"schedule", c.schedule},
          {"truth_regions", c.truth_regions},
          {"imagenet_input", c.imagenet_input},
          {"cosine", c.cosine},
          {"box_samples", c.box_samples}};
}
// What a flag would not accept, a file must not bring in.
template <class N>
N number_at(const json& j, const char* key, N low, N high) {
  const json& v = j.at(key);
  dcs::expect(std::is_integral_v<N> ? v.is_number_integer() : v.is_number(), key, " is ", v.dump(), "; expected a number");
  const double x = v.get<double>();
  dcs::expect(x >= static_cast<double>(low) && x <= static_cast<double>(high), key, " is ", v.dump(), "; expected ", low, " to ", high);
  return v.get<N>();
}
inline train_config config_of(const json& j, const std::string& path) {
  train_config c;
  try {
    c.net = j.at("net"), c.data = j.at("data"), c.backbone = j.at("backbone");
    c.side = number_at(j, "side", 64, 2048);
    dcs::expect(c.side % 32 == 0, "side is ", c.side, "; expected a multiple of 32");
    c.epochs = number_at(j, "epochs", 1, 100000), c.batch = number_at(j, "batch", 1, 1024);
    c.seed = number_at(j, "seed", std::uint64_t{0}, ~std::uint64_t{0}), c.rate = number_at(j, "rate", 1e-6, 10.0),
    c.weight_decay = number_at(j, "weight_decay", 0.0, 10.0);
    c.patience = number_at(j, "patience", 1, 100000), c.stop_after = number_at(j, "stop_after", 1, 100000);
    c.images = number_at(j, "images", 0, 1000000000), c.box_samples = number_at(j, "box_samples", 4, 2000);
    c.augment = j.at("augment"), c.schedule = j.at("schedule"), c.truth_regions = j.at("truth_regions");
    c.imagenet_input = j.at("imagenet_input"), c.cosine = j.at("cosine");
  } catch (const std::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
  return c;
}

inline json to_json(const dcs::segmentation_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}};
}
inline json to_json(const dcs::mean_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}, {"images", m.images}};
}

/// One line that is written over on a terminal; on anything else a plain line now and then.
class progress_line {
 public:
  explicit progress_line(std::string head) : head_(std::move(head)), terminal_(isatty(1) != 0), start_(clock::now()), last_(start_) {}
  void operator()(std::int64_t done, std::int64_t all, double loss, int batch) {
    const auto now = clock::now();
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const bool due = std::chrono::duration<double>(now - last_).count() > (terminal_ ? 0.2 : 30);
    if (!due && !(terminal_ && done == all)) return;
    last_ = now;
    std::printf("%s%s  %lld/%lld  loss %.4f  %.1f images/s  %.0f s left%s", terminal_ ? "\r" : "", head_.c_str(), static_cast<long long>(done),
                static_cast<long long>(all), loss, static_cast<double>(done * batch) / seconds,
                seconds / static_cast<double>(done) * static_cast<double>(all - done), terminal_ ? "   " : "\n");
    std::fflush(stdout);
  }
  ~progress_line() {
    if (terminal_) std::printf("\r%79s\r", "");
  }

 private:
  using clock = std::chrono::steady_clock;
  std::string head_;
  bool terminal_;
  clock::time_point start_, last_;
};

}  // namespace programs
