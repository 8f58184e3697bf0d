// Exponential moving averages of a network's weights (Polyak & Juditsky 1992; as in Tarvainen & Valpola 2017), which are often better than the
// newest weights, and are never trained themselves. They follow the weights at a step's seam (train/seam.hpp), take their place for an evaluation,
// and are saved beside them. On a GPU by optim/ema.cuh.
//
// Buffers are averaged like parameters. The running statistics of a norm belong to the weights of the layers before it; those of the newest weights
// would not fit averaged ones, and an average of variances is never negative.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/parse.hpp>
#include <dcs/nn/state_dict.hpp>
#include <dcs/optim/parameters.hpp>

#include <span>

DCS_EXACT_MATH
namespace dcs {

/// An average as an update sees it: memory of `size` elements each, aligned to 16 bytes.
template <class T>
struct average_row {
  T* average;
  const T* value;
  std::int64_t size;

  /// Calls f with every address whose alignment matters to a GPU.
  template <class F>
  void for_each_address(const F& f) const {
    f(average), f(value);
  }
};

namespace cpu {
/// average += share · (value - average), element by element.
template <class T>
void update_averages(device, const std::vector<average_row<T>>& rows, double share, chunk_tables&) {
  const T s = static_cast<T>(share);
  for (const auto& r : rows)
    parallel_chunks(r.size, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) r.average[i] += s * (r.value[i] - r.average[i]);
    });
}

#define DCS_EMA_ENTRIES(declare, T) declare void update_averages(device, const std::vector<average_row<T>>&, double, chunk_tables&);
DCS_ENTRIES(DCS_EMA_ENTRIES)
}  // namespace cpu

template <class D>
class averaged_weights;

/// Averages of all parameters and buffers of a network on device D, in their own type. Update n, from 0, keeps min(decay, (1 + n) / (10 + n)) of each
/// average: the first weights, which are random, are forgotten quickly. It is a seam of training steps.
template <class D>
class basic_ema {
 public:
  using device_type = D;

  /// The averages begin as the weights are now. The network must outlive this object. Throws dcs::error for a decay that is not in [0, 1), a
  /// parameter that does not lie on D, and parameters of several types.
  basic_ema(std::vector<named_parameter> parameters, double decay) : parameters_(std::move(parameters)), decay_(decay) {
    expect(decay >= 0 && decay < 1, "dcs::ema: decay is ", decay, "; expected a number from 0 and below 1");
    for (const auto& [name, p] : parameters_) {
      expect(p->memory().template on<D>(), "dcs::ema: ", name, " does not lie on the device ", D::name);
      expect(p->type() == parameters_.front().parameter->type(), "dcs::ema: ", name, " holds ", dcs::name(p->type()), ", ", parameters_.front().name,
             " ", dcs::name(parameters_.front().parameter->type()), "; expected one type");
      averages_.push_back(storage::allocate<D>(p->memory().bytes()));
      D::copy(averages_.back().data(), p->memory().data(), p->memory().bytes());
    }
  }
  basic_ema(const basic_ema&) = delete;
  basic_ema& operator=(const basic_ema&) = delete;

  std::int64_t updates() const { return updates_; }
  /// What update n, from 0, keeps of each average.
  double kept_by(std::int64_t n) const { return std::min(decay_, (1 + static_cast<double>(n)) / (10 + static_cast<double>(n))); }

  void gradients(std::span<const named_parameter>) const {}
  void updated(std::span<const named_parameter>) { update(); }

  /// The averages follow the weights by one update. Throws dcs::error while an averaged_weights holds them.
  void update() {
    expect_whole("an update");
    if (parameters_.empty()) return;
    const double share = 1 - kept_by(updates_++);
    parameters_.front().parameter->type() == dtype::f64 ? update_in<double>(share) : update_in<float>(share);
  }

  /// The averages, for a checkpoint: ema/NAME in PyTorch's layouts, and the number of updates (metadata ema_updates).
  void save(io::safetensors& file) const {
    expect_whole("saving");
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      parameters_[i].parameter->type() == dtype::f64 ? save_one<double>(i, file) : save_one<float>(i, file);
    file.metadata["ema_updates"] = std::to_string(updates_);
  }
  /// What save() wrote, in place of what there was. Throws dcs::error, and changes nothing, where an average is missing, belongs to no parameter, has
  /// another shape or is not a finite number, or the number of updates is none.
  void load(const io::safetensors& file) {
    expect_whole("loading");
    const auto it = file.metadata.find("ema_updates");
    expect(it != file.metadata.end(), "dcs::ema: there are no averaged weights in the checkpoint: its metadata lacks ema_updates");
    const auto updates = parse_whole(it->second);
    expect(updates && *updates >= 0, "dcs::ema: ema_updates is ", printable(it->second), "; expected a whole number from 0");
    std::map<std::string, bool> known;
    std::vector<storage> read;
    for (const auto& p : parameters_) {
      const std::string name = prefix + p.name;
      expect(file.contains(name), "dcs::ema: the file lacks ", name);
      read.push_back(p.parameter->type() == dtype::f64 ? read_one<double>(*p.parameter, name, file.at(name))
                                                       : read_one<float>(*p.parameter, name, file.at(name)));
      known[name] = true;
    }
    for (const auto& [name, t] : file.tensors)
      expect(name.rfind(prefix, 0) != 0 || known.count(name) != 0, "dcs::ema: ", name, " belongs to no parameter of the network");
    averages_ = std::move(read);
    updates_ = *updates;
  }

  /// What averages are saved under: this and the parameter's name.
  static constexpr const char* prefix = "ema/";

 private:
  friend averaged_weights<D>;

  void expect_whole(const char* what) const {
    expect(!exchanged_, "dcs::ema: ", what, " while averages stand in the network's place; the averaged_weights must end before");
  }
  template <class T>
  void update_in(double share) {
    std::vector<average_row<T>> rows;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      rows.push_back({static_cast<T*>(averages_[i].data()), parameters_[i].parameter->template data<T>(), parameters_[i].parameter->size()});
    update_averages(D{}, rows, share, tables_);
  }
  template <class T>
  void save_one(std::size_t i, io::safetensors& file) const {
    const auto& layout = parameters_[i].parameter->description().stored;
    std::vector<T> host(static_cast<std::size_t>(parameters_[i].parameter->size()));
    D::copy_to_host(host.data(), averages_[i].data(), averages_[i].bytes());
    file.put(prefix + parameters_[i].name, detail::stored_shape(layout), to_stored_layout(layout, host.data()).data());
  }
  template <class T>
  static storage read_one(const parameter_base& p, const std::string& name, const io::stored_tensor& t) {
    const auto& layout = p.description().stored;
    const auto wanted = detail::stored_shape(layout);
    expect(t.shape == wanted, "dcs::ema: ", name, " has shape ", detail::spelled_shape(t.shape), "; expected ", detail::spelled_shape(wanted));
    detail::expect_usable<T>(name, t);
    const auto values = t.template as<T>();
    std::vector<T> host(values.size());
    detail::for_stored(layout, [&](extent_t from, extent_t at) { host[static_cast<std::size_t>(at)] = values[static_cast<std::size_t>(from)]; });
    storage s = storage::allocate<D>(p.memory().bytes());
    D::copy_from_host(s.data(), host.data(), s.bytes());
    return s;
  }
  // Averages and weights change places, in the memory that each has. `between` holds the largest of them.
  void exchange(const storage& between) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      parameter_base& p = *parameters_[i].parameter;
      const std::int64_t bytes = averages_[i].bytes();
      D::copy(between.data(), p.memory().data(), bytes);
      D::copy(p.memory().data(), averages_[i].data(), bytes);
      D::copy(averages_[i].data(), between.data(), bytes);
      if (p.half()) detail::copy_half<D>(p);
    }
    exchanged_ = !exchanged_;
  }

  std::vector<named_parameter> parameters_;
  std::vector<storage> averages_;  // of each of them
  double decay_;
  std::int64_t updates_ = 0;
  bool exchanged_ = false;
  chunk_tables tables_;
};

using ema = basic_ema<cpu_device>;

/// While it exists the averages stand in the network's place, for an evaluation; then the weights do again, with the bits that they had. One at a
/// time, and not while the network trains.
template <class D>
class averaged_weights {
 public:
  explicit averaged_weights(basic_ema<D>& average) : average_(average) {
    average.expect_whole("an evaluation");
    std::int64_t most = 0;
    for (const storage& s : average.averages_) most = std::max(most, s.bytes());
    between_ = storage::allocate<D>(most);
    average_.exchange(between_);
  }
  ~averaged_weights() { average_.exchange(between_); }
  averaged_weights(const averaged_weights&) = delete;
  averaged_weights& operator=(const averaged_weights&) = delete;

 private:
  basic_ema<D>& average_;
  storage between_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
