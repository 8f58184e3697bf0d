// The interface between the programs and a network of any type: network.hpp implements it for each file of networks/.
#pragma once

#include "measuring.hpp"

#include <dcs/io/image_limits.hpp>
#include <dcs/train/communicator/communicator.hpp>
#include <dcs/train/run/config.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace programs {

struct train_request {
  dcs::run_config config;  // of a resumed run epochs, if that is not 0, and data, if that is not empty, alone
  std::string out;
  bool resume = false;
  double save_minutes = 0;                          // between checkpoints within an epoch; 0: none. Not part of a run's configuration
  bool tensorboard = false;                         // whether it writes an event file; not part of it either
  bool capture = true, tune = false, tf32 = false;  // on a GPU; not part of it either
  dcs::io::image_limits limits;                     // not part of it either
  bool skip_bad = false;                            // files that cannot be used are left out, and listed
  dcs::any_communicator ranks;                      // the processes that train together
};

struct evaluate_request {
  std::string run, data, split = "test", boxes = "detected", checkpoint = "best", device = "cpu";
  bool augmented = false, native = false, tf32 = false;
  int overlays = 8;
  measuring how;
  dcs::io::image_limits limits;
  bool skip_bad = false;
};

struct predict_request {
  std::string run, checkpoint = "best", out, device = "cpu";
  std::vector<std::string> images;
  bool augmented = false, tf32 = false;
  dcs::io::image_limits limits;
};

struct export_request {
  std::string run, checkpoint = "best", out;
};

class session {
 public:
  virtual ~session() = default;
  /// The network's own options, with their defaults.
  virtual std::vector<dcs::network_option> options() const = 0;
  /// Trains until the run has ended, or SIGINT or SIGTERM stops it; returns the exit code, 0 or 128 and the signal's number.
  virtual int train(const train_request&) = 0;
  virtual void evaluate(const evaluate_request&) = 0;
  virtual void predict(const predict_request&) = 0;
  virtual void summary(int side) = 0;
  virtual void export_onnx(const export_request&) = 0;
};

/// A network that a program contains. Each file of networks/ defines one, at the program's start.
struct registered_network {
  registered_network(const char* name, const char* device, std::unique_ptr<session> (*make)());
};

/// The network of this name on a device, cpu or cuda; throws dcs::error, which lists the names, where there is none, or where the device is missing.
std::unique_ptr<session> make_session(const std::string& net, const std::string& device = "cpu");
/// Names of the networks that are compiled in, separated by commas.
std::string net_names();
/// The network's name in the configuration of a run folder.
std::string net_of_run(const std::string& run);

/// Writes a line to stderr for each kind of warning (dcs/core/warning.hpp) that more files have had since the last call: how many, and the first.
void report_warnings();

/// Writes a line to stderr, behind the program's name.
void report(const std::string& text);

/// Runs a program's body; an exception becomes one line on stderr, whatever bytes it is about, and exit code 1. Warnings are reported at the end.
int guarded(const char* program, int (*body)(int, char**), int argc, char** argv);

}  // namespace programs
