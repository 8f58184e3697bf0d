// A mask of the regions over which batch norms compute their statistics. In a training step of fixed sizes, which a GPU can replay, arrays have room
// for the largest number of regions, and the rest is padding. A mask on the device says which regions are valid, and batch norms find it by a scope,
// as dropout finds its random numbers. Arrays on the host have no padding, so that masks are not compiled for it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/ops/batch_norm/norm_exchange.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// No mask: on the host every row is valid. Where the norm shares its statistics with other parts of the batch: by which exchange, under which number.
struct every_row {
  norm_exchange* exchange = nullptr;
  std::int64_t number = 0;
};

// The rows consist of `parts` equal parts; those whose number in the mask is not 0 are valid. Without memory every row is valid.
struct row_mask {
  storage memory;
  extent_t parts = 0;
  dtype element = dtype::f32;

  template <class A>
  const A* data() const {
    return static_cast<const A*>(memory.data());
  }
  // `regions`: the first extent of the maps.
  void check(extent_t rows, extent_t regions, dtype expected) const {
    if (!memory) return;
    expect(element == expected, "dcs::batch_norm: a mask of rows in ", name(element), "; expected ", name(expected));
    expect(parts == regions, "dcs::batch_norm: ", rows, " rows for a mask of ", parts, "; expected a mask of ", regions,
           ", one number for each region");
  }
};

template <class D>
using row_choice = std::conditional_t<std::is_same_v<D, cpu_device>, every_row, row_mask>;

inline thread_local const row_mask* masked_rows = nullptr;

}  // namespace detail

/// Within its scope, on its thread, batch norms in training use the pixels of valid regions only: mean and variance, the running statistics (which do
/// not change where no region is valid) and all gradients are those of these regions alone. In padded regions the result and the gradient are 0, and
/// the input is not read. The number of valid regions is computed on the device. mask: shape<roi>, 0 for a padded region, in the element type that
/// the norm computes in (float for 16 bits), beside maps of roi equal parts: shape<roi, H, W, C>. The norm's expression must be built within the
/// scope; it may be evaluated anywhere.
class row_mask_scope {
 public:
  template <class B, class S, class D>
  explicit row_mask_scope(const tensor<B, S, D>& mask) : mask_{mask.memory(), mask.size(), dtype_of<B>} {
    static_assert(S::rank == 1, "dcs::row_mask_scope: a mask has one axis, the regions");
    static_assert(!std::is_same_v<D, cpu_device>, "dcs::row_mask_scope: on the host every row counts: give it the rows that are valid");
    detail::masked_rows = &mask_;
  }
  row_mask_scope(const row_mask_scope&) = delete;
  row_mask_scope& operator=(const row_mask_scope&) = delete;
  ~row_mask_scope() { detail::masked_rows = outer_; }

 private:
  detail::row_mask mask_;
  const detail::row_mask* outer_ = detail::masked_rows;
};

namespace detail {
// The mask of the current scope for a norm on D.
template <class D>
row_choice<D> current_rows() {
  if constexpr (std::is_same_v<D, cpu_device>)
    return {};
  else
    return masked_rows ? *masked_rows : row_mask{};
}
// The rows of a norm that is evaluated now: on the host with the exchange of the current scope, where there is one.
inline every_row exchanged(every_row) {
  norm_exchange* const e = current_norm_exchange;
  return {e, e ? e->next() : 0};
}
inline const row_mask& exchanged(const row_mask& mask) { return mask; }
}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
