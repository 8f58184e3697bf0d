// A run: training with a folder, a configuration, a schedule, results and checkpoints, which continues after an interruption with the same bits. The
// programs train with it, and a user's own program can:
//
//   auto net = std::make_unique<my_net>();
//   dcs::run_config c;
//   c.epochs = 20, c.rate = 1e-3;
//   dcs::training_run run(*net, "runs/mine", c);
//   run.train(train_set, validation_set);         // any types that model dcs::dataset
//
// Its parts are in train/run/: the folder with its lock and checkpoints, the configuration, the state between two steps, the table of results, the
// request to stop.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/ema.hpp>
#include <dcs/optim/schedule.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/loop.hpp>
#include <dcs/train/run/epoch_report.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/memory.hpp>
#include <dcs/train/run/native_targets.hpp>
#include <dcs/train/run/optimizing.hpp>
#include <dcs/train/run/processes.hpp>
#include <dcs/train/run/progress.hpp>
#include <dcs/train/run/results.hpp>
#include <dcs/train/run/resuming.hpp>
#include <dcs/train/run/state.hpp>
#include <dcs/train/run/stop.hpp>
#include <dcs/train/shards/stepper.hpp>

#include <chrono>

DCS_EXACT_MATH
namespace dcs {

/// The run of a network in a folder, on P's device. The network must outlive it.
template <segmenter Net, class P = precision<>>
class training_run {
 public:
  using device = typename P::device;
  using options_type = typename Net::options;

  /// A new run, or with `resume` the one in the folder, of which `c` then says only epochs (0: as they were) and data (empty: as it was). The
  /// network's options are c.network, or `o` where that is empty. Locks the folder, initialises the network or loads the last checkpoint, and moves
  /// it to the device. `capture`: on a GPU a step is one graph, where the network's steps are of fixed sizes. The processes of `ranks` train it
  /// together, each with a network of its own: the first reads and writes the folder, and the others load the checkpoint from there. Throws
  /// dcs::error where the folder holds a run already (or none, to resume), another run trains in it, or anything in it is damaged: in every process.
  training_run(Net& net, const std::string& folder, const run_config& c, bool resume = false, const options_type& o = {}, bool capture = true,
               any_communicator ranks = {})
      : net_(net),
        folder_(folder),
        results_(folder_.results(), results_head<Net>()),
        resume_(resume),
        capture_(capture),
        processes_(std::move(ranks)) {
    processes_.expect_same("an instruction set", instruction_set<device>());
    processes_.in_first([&] { open(c, o); });
    if (processes_.size() > 1) config_ = shared_config(processes_, config_, listed_options(o));
    begun_ = !processes_.shared(begun_ ? "begun" : "").empty();
    options_ = assigned_options(o, config_.network);
    initialize(net_, config_.seed);
    if (!config_.backbone.empty() && !begun_) arrays_ = load_encoder(config_.backbone, net_);
    if constexpr (!std::is_same_v<device, cpu_device>) to_device<device>(net_);
    if constexpr (std::is_same_v<typename P::element, bf16>) mix_precision<device>(net_);
    optimizer_.emplace(named_parameters(net_), optimizer_options_of(net_, config_));
    if (config_.ema > 0) ema_.emplace(named_parameters(net_), config_.ema);
    schedule_.emplace(schedule_options{config_.rate_schedule, config_.rate, config_.epochs, config_.warmup});
    state_ = begun_ ? resumed_state() : run_state(config_);
    processes_.in_first([&] {
      rows_change_ = !begun_ || results_.keep(state_.epochs);
      if (!ended().empty() && rows_change_) results_.write();
    });
  }

  /// The run in the folder, to go on with; `ranks` may be more or fewer processes than before.
  training_run(Net& net, const std::string& folder, const resumed& r, const options_type& o = {}, bool capture = true, any_communicator ranks = {})
      : training_run(net, folder, asked_of(r), true, o, capture, std::move(ranks)) {}

  const run_config& config() const { return config_; }
  const run_folder& folder() const { return folder_; }
  const options_type& options() const { return options_; }
  /// Whether it goes on from a checkpoint; epochs that are done, and steps of the epoch after them.
  bool begun() const { return begun_; }
  int epochs_done() const { return state_.epochs; }
  std::int64_t steps_done() const { return state_.part.steps; }
  /// The number of arrays that were loaded from the encoder's file of weights.
  int arrays() const { return arrays_; }
  /// The reason why the run has ended; empty where it has not.
  std::string ended() const { return state_.ended(config_); }
  /// The processes that train it, and the reason of the request that has stopped them.
  run_processes& processes() { return processes_; }

  /// Sets the fingerprint of the data that the run is trained on (data/fingerprint.hpp), which the first process says. Throws dcs::error where it
  /// began with other data.
  void use_data(const std::string& fingerprint_in_first) {
    const std::string fingerprint = processes_.shared(fingerprint_in_first);
    if (config_.data_fingerprint.empty()) config_.data_fingerprint = fingerprint;
    processes_.in_first([&] { expect_same_data(config_, fingerprint); });
  }

  /// Trains until the run has ended, or the request of `control` asks it to stop, and returns whether it has ended. `watch`, where there is one, is
  /// told of each epoch, in the first process. When it is stopped, the step in progress is finished and a checkpoint within the epoch is written,
  /// from which the run goes on to the bits of one that was not stopped; a validation in progress is left, and repeated then.
  template <dataset Train, dataset Validation>
  bool train(const Train& train_set, const Validation& val, const std::function<void(const epoch_report&)>& watch = print_epoch,
             const run_control& control = {}) {
    // Before anything is written, as there may be no lesion to copy.
    if (ended().empty()) in_agreement(processes_.ranks(), [&] { lesions_ = sampling_of(train_set, config_.oversample_small, config_.copy_paste); });
    processes_.in_first([&] {
      folder_.create();
      if (!resume_) folder_.expect_new();  // another process may have begun one while images were read
      write_text(folder_.config(), to_json(config_).dump(2) + "\n");
      if (rows_change_) results_.write();
    });
    processes_.begin();
    auto steps = stepper();
    saved_ = clock::now();
    while (ended().empty()) {
      const std::optional<epoch_report> e = epoch(steps, train_set, val, control);
      if (!e) return false;
      if (watch && processes_.first()) watch(*e);
      if (processes_.stop_reason() != 0 || processes_.agree_to_stop(control.stop)) break;
    }
    return !ended().empty();
  }

  /// After train() lacked memory (is_lack_of_memory) on the host: a number of images of which a step fits, fewer than those of the run; 0: none. The
  /// run is not to be used afterwards; its folder stays as it is.
  template <dataset Train>
  int fitting_batch(const Train& train_set) requires std::is_same_v<device, cpu_device> {
    return dcs::fitting_batch<P>(net_, *optimizer_, train_set, epoch_numbers());
  }

  /// Calls f() while the network has the weights that it is evaluated with: their averages, where there are any.
  template <class F>
  void with_evaluated_weights(const F& f) {
    std::optional<averaged_weights<device>> in_place;
    if (ema_) in_place.emplace(*ema_);
    f();
  }

  /// The options of training.
  epoch_options<options_type> epoch_numbers() const {
    epoch_options<options_type> e;
    e.batch = config_.batch, e.seed = config_.seed, e.augmented = config_.augment, e.input = input_of(config_), e.net = options_;
    e.lesions = lesions_;
    return e;
  }
  /// The normalisation of the network's input.
  static normalisation input_of(const run_config& c) { return c.imagenet_input ? normalisation::imagenet() : normalisation{}; }

 private:
  // What the first process finds in the folder.
  void open(const run_config& c, const options_type& o) {
    folder_.claim();
    if (!resume_) folder_.expect_new();
    run_config asked = c;
    if (asked.network.empty()) asked.network = listed_options(o);
    config_ = resume_ ? resumed_config(asked, folder_.config()) : new_run_config(asked, processes_.size());
    config_.data = absolute_path(config_.data), config_.backbone = absolute_path(config_.backbone);
    expect_sharable(config_, processes_.size());
    expect_native_targets<Net, device>(config_);
    begun_ = resume_ && folder_.has_checkpoint();
    // A run that was stopped before its first checkpoint starts again. If results.csv has more epochs, the checkpoints have been removed, which is an
    // error.
    expect(!resume_ || begun_ || results_.rows() <= 1, folder_.last(), " is not there to go on from, but results.csv has ", results_.rows(),
           " epochs");
  }
  // How steps are taken: on the host shared out over processes, or cut into shards in one, where that is asked for.
  auto stepper() {
    if constexpr (std::is_same_v<device, cpu_device>) {
      const shard_options o{std::max(1, config_.shards), config_.sync_norm, config_.fast_reduce};
      return sharded_stepper<P, Net, any_optimizer<device>, basic_ema<device>>(net_, *optimizer_, processes_.ranks(), o, averages());
    } else {
      expect_whole_steps<device>(config_, processes_.size());
      return typename stepper_for<P, Net, any_optimizer<device>, basic_ema<device>>::type(net_, *optimizer_, capture_, averages());
    }
  }
  // Reads the last checkpoint into network and optimiser: the first process the one that can be read, the others the same.
  run_state resumed_state() {
    std::string path;
    std::map<std::string, std::string> metadata;
    run_state state;
    const auto read = [&](const std::string& file) {
      path = file;
      metadata = load_checkpoint<device>(file, net_, &*optimizer_, averages());
      return state_of<Net>(metadata, config_, file);
    };
    processes_.in_first([&] { state = folder_.read_last(read); });
    const std::string chosen = processes_.shared(path);
    in_agreement(processes_.ranks(), [&] {
      if (!processes_.first()) state = read(chosen);
    });
    expect_same_config(metadata, path, config_, folder_.config());
    if (processes_.first()) notice_other_instruction_set<device>(metadata, path);
    return state;
  }
  using clock = std::chrono::steady_clock;

  // Trains what is left of an epoch, and writes results and checkpoints to the folder. Nothing where it was stopped, with a checkpoint of how far it
  // has come.
  template <class Steps, class Train, class Validation>
  std::optional<epoch_report> epoch(Steps& steps, const Train& train_set, const Validation& val, const run_control& control) {
    const auto start = clock::now();
    const double before = state_.seconds;
    const auto seconds = [&] { return before + std::chrono::duration<double>(clock::now() - start).count(); };
    auto o = epoch_numbers();
    if constexpr (requires { o.net.progress(0.0); }) o.net.progress(static_cast<double>(state_.epochs) / config_.epochs);
    o.loaders = control.loaders;
    o.rate = [&](std::int64_t step, std::int64_t all) { return schedule_->at({state_.epochs, step, all}, state_.rate); };
    epoch_report e;
    e.rate = o.rate(0, 1), e.epochs = config_.epochs;
    const auto stop = [&] { return processes_.stop_reason() != 0; };
    std::optional<progress_line> line;
    if (processes_.first()) line.emplace(state_.epochs + 1, config_.epochs, state_.part.steps, config_.batch, beside_seconds_);
    (void)train_steps(steps, train_set, o, state_.epochs, state_.part, [&](std::int64_t all, const step_losses& l) {
      if (line) (*line)(state_.part.steps, all, l.total);
      if (control.after_step) control.after_step({state_.epochs + 1, config_.epochs, state_.part.steps, all, l});
      state_.seconds = seconds();
      (void)processes_.agree_to_stop(control.stop);
      if (!stop() && control.save_minutes > 0 && clock::now() - saved_ >= std::chrono::duration<double, std::ratio<60>>(control.save_minutes))
        save_last();
      return !stop();
    });
    e.trained = state_.part.mean();
    const double steps_end = seconds();
    const bool measured = !stop() && measure_epoch(val, o, e, [&](std::int64_t done, std::int64_t all) {
      if (line) line->validating(done, all);
      return control.stop && *control.stop;
    });
    line.reset();
    if (!measured) {
      (void)processes_.agree_to_stop(control.stop);
      if (state_.part.steps > 0) save_last();
      return std::nullopt;
    }
    state_.rate = schedule_->next(state_.plateau, state_.rate, e.validated.total);
    state_.part = {}, state_.seconds = 0;
    e.epoch = ++state_.epochs, e.best = state_.plateau.improved();
    e.seconds = seconds();
    // The last checkpoint is written last: a run that is killed before repeats the epoch, with the same bits.
    if (processes_.first()) {
      if (e.best) save(folder_.best(), static_cast<any_optimizer<device>*>(nullptr));
      results_.append(e.epoch, e.rate, e.seconds, result_values(e.trained, e.validated, e.metrics));
    }
    save_last();
    beside_seconds_ = seconds() - steps_end;
    return e;
  }
  // Validates an epoch; false where it was left because stop(batches done, batches in all) said so.
  template <class Validation, class Stop>
  bool measure_epoch(const Validation& val, const epoch_options<options_type>& o, epoch_report& e, const Stop& stop) {
    try {
      with_evaluated_weights([&] {
        const auto report = [&](std::int64_t done, std::int64_t all, const step_losses&) {
          if (stop(done, all)) throw validation_left();
        };
        std::tie(e.validated, e.metrics) = validate<P>(net_, val, o, report, processes_.ranks());
      });
    } catch (const validation_left&) {
      return false;
    }
    return true;
  }
  // Writes the last checkpoint, in the first process.
  void save_last() {
    if (processes_.first()) folder_.write_last([&](const std::string& path) { save(path, &*optimizer_); });
    saved_ = clock::now();
  }
  // There may be no memory for a checkpoint's copy of the weights beside what the steps have left in the allocator's cache.
  void save(const std::string& path, any_optimizer<device>* optimizer) {
    with_freed_cache([&] { save_checkpoint<device>(path, net_, optimizer, state_.metadata(config_), averages()); });
  }
  basic_ema<device>* averages() { return ema_ ? &*ema_ : nullptr; }

  Net& net_;
  run_folder folder_;
  results_table results_;
  bool resume_, capture_, begun_ = false, rows_change_ = true;
  int arrays_ = 0;
  run_processes processes_;
  run_config config_;
  options_type options_;
  lesion_sampling lesions_;  // of the training set, once train() knows it
  run_state state_;
  clock::time_point saved_;    // when the last checkpoint was written
  double beside_seconds_ = 0;  // that the last epoch took beside its steps
  std::optional<any_optimizer<device>> optimizer_;
  std::optional<basic_ema<device>> ema_;
  std::optional<schedule> schedule_;
};

template <class Net, class... More>
training_run(Net&, const char*, More...) -> training_run<Net>;
template <class Net, class... More>
training_run(Net&, std::string, More...) -> training_run<Net>;

}  // namespace dcs

#include <dcs/core/header_end.inl>
