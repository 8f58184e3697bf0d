// The interface between the programs and a network of any type: network.hpp implements it for each file of networks/.
#pragma once

#include "measuring.hpp"

#include <dcs/data/folder.hpp>
#include <dcs/data/volumes.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/io/image_limits.hpp>
#include <dcs/train/communicator/communicator.hpp>
#include <dcs/train/run/config.hpp>
#include <dcs/train/run/step_cost.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace programs {

struct train_request {
  dcs::run_config config;  // of a resumed run epochs, if that is not 0, and data, if that is not empty, alone
  std::string out;
  bool resume = false;
  double save_minutes = 0;                          // between checkpoints within an epoch; 0: none. Not part of a run's configuration
  bool tensorboard = false;                         // whether it writes an event file; not part of it either
  int loaders = 0;                                  // threads that load batches; 0: the trainer's choice. Not part of it either
  bool capture = true, tune = false, tf32 = false;  // on a GPU; not part of it either
  dcs::io::image_limits limits;                     // not part of it either
  bool skip_bad = false;                            // files that cannot be used are left out, and listed
  dcs::any_communicator ranks;                      // the processes that train together
};

/// The runs that a program predicts with: one, or several whose predictions are fused.
struct members_request {
  std::vector<std::string> runs;
  std::string checkpoint = "best", device = "cpu";
  bool tf32 = false;
};

/// How a program makes masks of what runs predict. `postprocessing`: a file that dcs_tune wrote; empty: that of the folder, where there is one.
struct finishing {
  std::string postprocessing;
  bool postprocess = true;
  std::optional<bool> augmented{};  // test-time augmentation; where it is not said: what the file says, else none
};

struct evaluate_request : members_request {
  std::string out, data, split = "test", boxes = "detected";  // out: for evaluation.json and overlays; empty: the run's folder
  finishing finish;
  bool native = false;
  int overlays = 8;
  measuring how;
  dcs::io::image_limits limits;
  bool skip_bad = false;
};

struct predict_request : members_request {
  std::string out;
  std::vector<std::string> images;            // files, folders and lists (prediction_inputs.hpp)
  std::string probabilities;                  // png or npy; empty: none are written
  bool deviation = false;                     // each pixel's standard deviation over views and runs is written too
  std::optional<dcs::pixel_spacing> spacing;  // in mm, of all images; without it each one's own where it is known
  dcs::volume_options volume;
  finishing finish;
  bool overlays = true;
  dcs::io::image_limits limits;
};

struct tune_request : members_request {
  std::string out, data, split = "val";  // out: for postprocessing.json; empty: the run's folder
  dcs::io::image_limits limits;
  bool skip_bad = false;
};

struct export_request {
  std::string run, checkpoint = "best", out;
};

/// What a plan asks of a network.
struct network_facts {
  std::int64_t parameters = 0;
  int crop = 0;                ///< H, the side of its crops from P2; 0 where it crops nothing
  bool needs_weights = false;  ///< its backbone's norms are frozen
  bool takes_boxes = false;    ///< it segments regions, whose boxes can be supplied
};

class session {
 public:
  virtual ~session() = default;
  /// The network's own options, with their defaults.
  virtual std::vector<dcs::network_option> options() const = 0;
  /// Trains until the run has ended, or SIGINT or SIGTERM stops it; returns the exit code, 0 or 128 and the signal's number.
  virtual int train(const train_request&) = 0;
  /// Loads a run's weights, to predict with; returns its configuration.
  virtual dcs::run_config load(const std::string& run, const std::string& checkpoint, bool tf32) = 0;
  /// What the loaded network predicts of an image of its size: with `augmented` once for each of dcs::mirrored_views, turned back; else once.
  virtual std::vector<dcs::prediction> predict(const dcs::sample&, bool augmented) const = 0;
  /// What it predicts inside the true boxes. Throws dcs::error for a network that looks into no boxes.
  virtual dcs::prediction predict_in_true_boxes(const dcs::sample&) const = 0;
  virtual void summary(int side) = 0;
  virtual void export_onnx(const export_request&) = 0;
  virtual network_facts facts() const = 0;
  /// What a training step takes on the host, measured with the first images of the training set: memory for one image, and the time of a batch of the
  /// request's size, the mean of two after a first one. The network is not to be used afterwards.
  virtual dcs::step_memory measure_memory(const train_request&) = 0;
  virtual dcs::batch_seconds measure_seconds(const train_request&) = 0;
};

/// A network that a program contains. Each file of networks/ defines one, at the program's start.
struct registered_network {
  registered_network(const char* name, const char* device, std::unique_ptr<session> (*make)());
};

/// The network of this name on a device, cpu or cuda; throws dcs::error, which lists the names, where there is none, or where the device is missing.
std::unique_ptr<session> make_session(const std::string& net, const std::string& device = "cpu");
/// Names of the networks that are compiled in, separated by commas.
std::string net_names();
/// The same as a list.
std::vector<std::string> nets();
/// The network's name in the configuration of a run folder.
std::string net_of_run(const std::string& run);

/// A split of a data set as a run reads it: at its size, with its kind of masks.
dcs::folder_dataset split_of(const dcs::run_config& c, const std::string& data, const std::string& name, const dcs::io::image_limits& limits,
                             bool skip_bad);
/// Writes a line for each file that --skip-bad left out.
void report_left_out(const dcs::folder_dataset& data);

/// Writes a line to stderr for each kind of warning (dcs/core/warning.hpp) that more files have had since the last call: how many, and the first.
void report_warnings();

/// Writes a line to stderr, behind the program's name.
void report(const std::string& text);

/// Runs a program's body; an exception becomes one line on stderr, whatever bytes it is about, and exit code 1. Warnings are reported at the end.
int guarded(const char* program, int (*body)(int, char**), int argc, char** argv);

}  // namespace programs
