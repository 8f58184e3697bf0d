// A network layer by layer: a row for every layer that has weights, with output shape, parameters and multiply-adds, recorded while the network runs
// on an input.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/module.hpp>

#include <cstdio>
#include <map>

DCS_EXACT_MATH
namespace dcs {

/// A layer that has run; its name is that of its weights without the last part.
struct summary_row {
  std::string layer, output;
  extent_t parameters = 0;
  work total{};
  int calls = 0;
};

/// Records the work of ops during its lifetime, on its thread. `rows` then has a row per layer, in the order of first calls, and one for work without
/// weights.
class summary final : public detail::work_listener {
 public:
  template <module Net>
  explicit summary(Net& net) : outer_(detail::listener) {
    for (const auto& p : named_parameters(net)) {
      const auto dot = p.name.rfind('.');
      const std::string layer = dot == std::string::npos ? p.name : p.name.substr(0, dot);
      if (!p.parameter->is_buffer()) parameters_[layer] += p.parameter->size();
      if (p.parameter->defined()) owner_[p.parameter->memory().data()] = layer;
    }
    detail::listener = this;
  }
  summary(const summary&) = delete;
  summary& operator=(const summary&) = delete;
  ~summary() { detail::listener = outer_; }

  void note(const void* weights, const extent_t* sizes, int rank, work w) override {
    total_ += w;
    const auto it = owner_.find(weights);
    const std::string layer = it == owner_.end() ? "(products without weights)" : it->second;
    auto [at, fresh] = index_.emplace(layer, rows_.size());
    if (fresh) rows_.push_back({layer, "", it == owner_.end() ? 0 : parameters_[layer], {}, 0});
    auto& row = rows_[at->second];
    row.output = "[";
    for (int i = 0; i < rank; ++i) row.output += (i ? ", " : "") + std::to_string(sizes[i]);
    row.output += "]";
    row.total += w;
    ++row.calls;
  }

  const std::vector<summary_row>& rows() const { return rows_; }
  work total() const { return total_; }
  /// Learned values of the whole network, whether their layer reported work or not.
  extent_t parameters() const {
    extent_t n = 0;
    for (const auto& [layer, count] : parameters_) n += count;
    return n;
  }

  /// The table as text; parameters whose layer reported no work (embeddings) stand at its end.
  std::string text() const {
    std::string out;
    char line[256];
    std::snprintf(line, sizeof line, "%-52s %-22s %12s %16s %6s\n", "layer", "output", "parameters", "multiply-adds", "calls");
    out += line;
    for (const auto& r : rows_) {
      std::snprintf(line, sizeof line, "%-52s %-22s %12lld %16lld %6d\n", r.layer.c_str(), r.output.c_str(), static_cast<long long>(r.parameters),
                    static_cast<long long>(r.total.multiply_adds), r.calls);
      out += line;
    }
    for (const auto& [layer, count] : parameters_) {
      if (index_.count(layer)) continue;
      std::snprintf(line, sizeof line, "%-52s %-22s %12lld %16d %6d\n", layer.c_str(), "", static_cast<long long>(count), 0, 0);
      out += line;
    }
    std::snprintf(line, sizeof line, "%-52s %-22s %12lld %16lld\n", "total", "", static_cast<long long>(parameters()),
                  static_cast<long long>(total_.multiply_adds));
    return out + line;
  }

 private:
  detail::work_listener* outer_;
  std::map<std::string, extent_t> parameters_;
  std::map<const void*, std::string> owner_;
  std::map<std::string, std::size_t> index_;
  std::vector<summary_row> rows_;
  work total_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
