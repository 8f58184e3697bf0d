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

#include <dcs/optim/any_optimizer.hpp>
#include <dcs/optim/ema.hpp>
#include <dcs/optim/schedule.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/loop.hpp>
#include <dcs/train/run/epoch_report.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/memory.hpp>
#include <dcs/train/run/progress.hpp>
#include <dcs/train/run/results.hpp>
#include <dcs/train/run/state.hpp>
#include <dcs/train/run/stop.hpp>

#include <chrono>

DCS_EXACT_MATH
namespace dcs {

/// A run that is in its folder already: it goes on with the configuration that it began with.
struct resumed {
  int epochs = 0;      // in all; 0: as many as before
  std::string data{};  // where the set is now; empty: where it was
};

/// The run of a network in a folder, on P's device. The network must outlive it.
template <segmenter Net, class P = precision<>>
class training_run {
 public:
  using device = typename P::device;
  using options_type = typename Net::options;

  /// A new run, or with `resume` the one in the folder, of which `c` then says only epochs (0: as they were) and data (empty: as it was). The
  /// network's options are c.network, or `o` where that is empty. Locks the folder, initialises the network or loads the last checkpoint, and moves
  /// it to the device. `capture`: on a GPU a step is one graph, where the network's steps are of fixed sizes. Throws dcs::error where the folder
  /// holds a run already (or none, to resume), another process trains in it, or anything in it is damaged.
  training_run(Net& net, const std::string& folder, const run_config& c, bool resume = false, const options_type& o = {}, bool capture = true)
      : net_(net), folder_(folder), results_(folder_.results(), results_head<Net>()), resume_(resume), capture_(capture) {
    folder_.claim();
    if (!resume) folder_.expect_new();
    config_ = configuration(c, o);
    expect_native_targets();
    options_ = assigned_options(o, config_.network);
    begun_ = resume && folder_.has_checkpoint();
    // A run that was stopped before its first checkpoint starts again. If results.csv has more epochs, the checkpoints have been removed, which is an
    // error.
    expect(!resume || begun_ || results_.rows() <= 1, folder_.last(), " is not there to go on from, but results.csv has ", results_.rows(),
           " epochs");
    initialize(net_, config_.seed);
    if (!config_.backbone.empty() && !begun_) arrays_ = load_encoder(config_.backbone, net_);
    if constexpr (!std::is_same_v<device, cpu_device>) to_device<device>(net_);
    if constexpr (std::is_same_v<typename P::element, bf16>) mix_precision<device>(net_);
    any_optimizer_options numbers;
    numbers.name = config_.optimizer, numbers.rate = config_.rate, numbers.weight_decay = config_.weight_decay, numbers.momentum = config_.momentum;
    numbers.nesterov = config_.nesterov, numbers.groups = groups();
    optimizer_.emplace(named_parameters(net_), numbers);
    if (config_.ema > 0) ema_.emplace(named_parameters(net_), config_.ema);
    schedule_.emplace(schedule_options{config_.rate_schedule, config_.rate, config_.epochs, config_.warmup});
    state_ = begun_ ? resumed_state() : run_state(config_);
    rows_change_ = !begun_ || results_.keep(state_.epochs);
    if (!ended().empty() && rows_change_) results_.write();
  }

  /// The run in the folder, to go on with.
  training_run(Net& net, const std::string& folder, const resumed& r, const options_type& o = {}, bool capture = true)
      : training_run(net, folder, config_of_resumed(r), true, o, capture) {}

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

  /// Sets the fingerprint of the data that the run is trained on (data/fingerprint.hpp). Throws dcs::error where it began with other data.
  void use_data(const std::string& fingerprint) {
    if (config_.data_fingerprint.empty()) config_.data_fingerprint = fingerprint;
    expect(config_.data_fingerprint == fingerprint, "--data ", config_.data,
           ": names or contents of its files differ from those that the run was trained on, or others are left out (", fingerprint, "; expected ",
           config_.data_fingerprint, "); --data says where they are now");
  }

  /// Trains until the run has ended, or the request of `control` asks it to stop, and returns whether it has ended. `watch`, where there is one, is
  /// told of each epoch. When it is stopped, the step in progress is finished and a checkpoint within the epoch is written, from which the run goes
  /// on to the bits of one that was not stopped; a validation in progress is left, and repeated then.
  template <dataset Train, dataset Validation>
  bool train(const Train& train_set, const Validation& val, const std::function<void(const epoch_report&)>& watch = print_epoch,
             const run_control& control = {}) {
    // Before anything is written, as there may be no lesion to copy.
    if (ended().empty()) lesions_ = sampling_of(train_set, config_.oversample_small, config_.copy_paste);
    folder_.create();
    if (!resume_) folder_.expect_new();  // another process may have begun one while images were read
    write_text(folder_.config(), to_json(config_).dump(2) + "\n");
    if (rows_change_) results_.write();
    typename stepper_for<P, Net, any_optimizer<device>, basic_ema<device>>::type steps(net_, *optimizer_, capture_, ema_ ? &*ema_ : nullptr);
    saved_ = clock::now();
    while (ended().empty()) {
      const std::optional<epoch_report> e = epoch(steps, train_set, val, control);
      if (!e) return false;
      if (watch) watch(*e);
      if (control.stop && *control.stop) break;
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
  static run_config config_of_resumed(const resumed& r) {
    run_config c;
    c.epochs = r.epochs, c.data = r.data;
    return c;
  }
  run_config configuration(const run_config& requested, const options_type& o) const {
    run_config c = requested;
    if (c.network.empty()) c.network = listed_options(o);
    if (resume_) {
      c = read_config(folder_.config(), c.network);
      if (requested.epochs > 0) c.epochs = requested.epochs;
      if (!requested.data.empty()) c.data = requested.data;
    } else {
      expect(!c.data.empty(), "dcs::run: run_config::data is empty; expected the folder of the set, or another name of what the run is trained on");
      c.imagenet_input = c.imagenet_input || !c.backbone.empty();
    }
    c.data = absolute_path(c.data), c.backbone = absolute_path(c.backbone);
    return c;
  }
  void expect_native_targets() const {
    const bool asked = config_.native_targets;
    expect(!asked || learns_native_targets<Net>, "native_targets: ", printable(config_.net), " learns no regions, whose targets they would be");
    expect(!asked || std::is_same_v<device, cpu_device>, "native_targets: a step on a GPU has arrays of fixed sizes; expected the CPU");
    expect(!asked || config_.copy_paste == 0,
           "native_targets with copy_paste: a lesion is pasted into masks of the network's size; expected one of them");
  }
  // The parameters that move by numbers of their own.
  std::vector<parameter_group> groups() {
    std::vector<parameter_group> list;
    if (!config_.decay_norms) list.push_back(no_decay_of_norms_and_biases());
    if (config_.backbone_rate == 1) return list;
    if constexpr (has_encoder<Net>) {
      list.push_back({.prefix = prefix_of(net_, net_.encoder()), .rate_scale = config_.backbone_rate});
      return list;
    } else {
      fail("dcs::run: backbone_rate is ", config_.backbone_rate, ", but the network ", printable(config_.net), " has no encoder; expected 1");
    }
  }
  // Reads the last checkpoint into network and optimiser.
  run_state resumed_state() {
    std::string path;
    std::map<std::string, std::string> metadata;
    const run_state state = folder_.read_last([&](const std::string& file) {
      path = file;
      metadata = load_checkpoint<device>(file, net_, &*optimizer_, ema_ ? &*ema_ : nullptr);
      run_state s = run_state::of(metadata, config_, file);
      const auto& sums = s.part.sums;
      expect(s.part.steps == 0 || (sums.terms.size() == Net::loss_terms.size() && sums.counts.size() == count_names_of<Net>().size()), file,
             ": losses are of ", sums.terms.size(), " terms and ", sums.counts.size(), " counts; expected ", Net::loss_terms.size(), " and ",
             count_names_of<Net>().size());
      return s;
    });
    expect_same_config(metadata, path, config_, folder_.config());
    const auto made = metadata.find("instruction_set");
    const std::string current = instruction_set<device>();
    if (made == metadata.end() || made->second != current)
      notice(path + " was trained with " + (made == metadata.end() ? "an unknown instruction set" : made->second) + ", this process computes with " +
             current + ": the run goes on, but not to the bits that it would have had");
    return state;
  }
  using clock = std::chrono::steady_clock;
  // What ends a validation early.
  struct left {};

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
    const auto stop = [&] { return control.stop && *control.stop; };
    std::optional<progress_line> line(std::in_place, state_.epochs + 1, config_.epochs, state_.part.steps, config_.batch, beside_seconds_);
    (void)train_steps(steps, train_set, o, state_.epochs, state_.part, [&](std::int64_t all, const step_losses& l) {
      (*line)(state_.part.steps, all, l.total);
      if (control.after_step) control.after_step({state_.epochs + 1, config_.epochs, state_.part.steps, all, l});
      state_.seconds = seconds();
      if (!stop() && control.save_minutes > 0 && clock::now() - saved_ >= std::chrono::duration<double, std::ratio<60>>(control.save_minutes))
        save_last();
      return !stop();
    });
    e.trained = state_.part.mean();
    const double steps_end = seconds();
    const bool measured = !stop() && measure_epoch(val, o, e, [&](std::int64_t done, std::int64_t all) {
      line->validating(done, all);
      return stop();
    });
    line.reset();
    if (!measured) {
      if (state_.part.steps > 0) save_last();
      return std::nullopt;
    }
    state_.rate = schedule_->next(state_.plateau, state_.rate, e.validated.total);
    state_.part = {}, state_.seconds = 0;
    e.epoch = ++state_.epochs, e.best = state_.plateau.improved();
    e.seconds = seconds();
    // The last checkpoint is written last: a run that is killed before repeats the epoch, with the same bits.
    if (e.best) save(folder_.best(), static_cast<any_optimizer<device>*>(nullptr));
    results_.append(e.epoch, e.rate, e.seconds, result_values(e.trained, e.validated, e.metrics));
    save_last();
    beside_seconds_ = seconds() - steps_end;
    return e;
  }
  // Validates an epoch; false where it was left because stop(batches done, batches in all) said so.
  template <class Validation, class Stop>
  bool measure_epoch(const Validation& val, const epoch_options<options_type>& o, epoch_report& e, const Stop& stop) {
    try {
      with_evaluated_weights([&] {
        std::tie(e.validated, e.metrics) = validate<P>(net_, val, o, [&](std::int64_t done, std::int64_t all, const step_losses&) {
          if (stop(done, all)) throw left{};
        });
      });
    } catch (const left&) {
      return false;
    }
    return true;
  }
  void save_last() {
    folder_.write_last([&](const std::string& path) { save(path, &*optimizer_); });
    saved_ = clock::now();
  }
  // Writes a checkpoint. Where there is no memory for its copy of the weights, what the steps have left in the allocator's cache is given up for it.
  void save(const std::string& path, any_optimizer<device>* optimizer) {
    const auto write = [&] { save_checkpoint<device>(path, net_, optimizer, state_.metadata(config_), averages()); };
    try {
      write();
    } catch (const std::bad_alloc&) {
      host_allocator::get().release_cache();
      write();
    }
  }
  basic_ema<device>* averages() { return ema_ ? &*ema_ : nullptr; }

  Net& net_;
  run_folder folder_;
  results_table results_;
  bool resume_, capture_, begun_ = false, rows_change_ = true;
  int arrays_ = 0;
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
