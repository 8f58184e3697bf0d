// What the programs ask of a network, whatever its type. A variant's translation unit (variant.cpp) makes one.
#pragma once

#include <dcs/io/image_limits.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace programs {

struct train_config {
  std::string net = "small-scratch", data, out, backbone, device = "cpu";
  std::string data_fingerprint;  // of the set that the run began with (data_fingerprint.hpp); empty until it has begun
  int side = 128, epochs = 100, batch = 4;
  std::uint64_t seed = 0;
  double rate = 2e-4, weight_decay = 1e-4;
  int patience = 5, stop_after = 20, images = 0, box_samples = 512;
  bool augment = true, schedule = false, truth_regions = false, resume = false, imagenet_input = false, cosine = false;
  bool capture = true, tune = false, tf32 = false;  // on a GPU; no run's configuration holds them
  dcs::io::image_limits limits;                     // nor these
};

struct evaluate_config {
  std::string run, data, split = "test", boxes = "detected", checkpoint = "best", device = "cpu";
  bool augmented = false, native = false, tf32 = false;
  int overlays = 8;
  dcs::io::image_limits limits;
};

struct predict_config {
  std::string run, checkpoint = "best", out, device = "cpu";
  std::vector<std::string> images;
  bool augmented = false, tf32 = false;
  dcs::io::image_limits limits;
};

class session {
 public:
  virtual ~session() = default;
  /// A resumed run takes `out`, `capture`, `tune`, `tf32` and `limits` from here, `epochs` if that is not 0, `data` if that is not empty, and
  /// everything else from its folder.
  virtual void train(const train_config&) = 0;
  virtual void evaluate(const evaluate_config&) = 0;
  virtual void predict(const predict_config&) = 0;
  virtual void summary(int side) = 0;
};

/// The network of a name on a device, cpu or cuda; throws dcs::error with the names there are, or where there is no such device.
std::unique_ptr<session> make_session(const std::string& net, const std::string& device = "cpu");
/// Names of the networks that are compiled in, separated by commas.
std::string net_names();
/// The name that a run folder's configuration holds.
std::string net_of_run(const std::string& run);

/// Writes a line to stderr for each kind of warning (dcs/core/warning.hpp) that more files have had since the last call: how many, and the first.
void report_warnings();

/// Runs a program's body; an exception becomes one line on stderr, whatever bytes it is about, and exit code 1. Warnings are reported at the end.
int guarded(const char* program, int (*body)(int, char**), int argc, char** argv);
/// One line on stderr, of something that does not end the program: "PROGRAM: warning: TEXT".
void warn(const std::string& text);

}  // namespace programs
