// What a shard of a batch is computed with: its images, and a copy of the network.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/train/shards/tree.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Images [part.first, part.last) of a batch.
inline batch images_of(const batch& b, index_range part) {
  const auto rows = [&]<class S>(const tensor<float, S>& x) {
    auto n = x.sizes();
    const extent_t row = x.size() / n[0];
    n[0] = part.size();
    auto y = tensor<float, S>::empty(n);
    std::copy(x.data() + part.first * row, x.data() + part.last * row, y.data());
    return y;
  };
  const auto listed = [&]<class X>(const std::vector<X>& x) { return x.empty() ? x : std::vector<X>(x.begin() + part.first, x.begin() + part.last); };
  return {rows(b.images), rows(b.masks), listed(b.boxes), rows(b.objects), listed(b.native)};
}

namespace detail {

// A copy of a network on the host that shares its weights, with gradients and buffers of its own. The network must outlive it.
template <class Net>
class replica {
 public:
  explicit replica(Net& net) : net_(std::make_unique<Net>(net)), from_(named_parameters(net)), to_(named_parameters(*net_)) {}
  Net& net() { return *net_; }
  const std::vector<named_parameter>& parameters() const { return to_; }
  const std::vector<named_parameter>& originals() const { return from_; }
  // Takes over weights and buffers as they are now, and drops gradients.
  void follow() {
    for (std::size_t i = 0; i < to_.size(); ++i) {
      parameter_base &p = *to_[i].parameter, &original = *from_[i].parameter;
      if (p.is_buffer())
        std::memcpy(p.memory().data(), original.memory().data(), static_cast<std::size_t>(p.memory().bytes()));
      else if (p.memory().data() != original.memory().data())
        p.adopt(original.memory(), original.type());
      p.clear_gradient();
    }
  }

 private:
  std::unique_ptr<Net> net_;
  std::vector<named_parameter> from_, to_;
};

}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
