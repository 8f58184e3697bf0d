// io/safetensors.hpp: whatever is read knows its name, and its numbers convert or are refused.
#include "target.hpp"

#include <dcs/io/safetensors.hpp>

DCS_FUZZ_TARGET(safetensors) {
  static const fuzz::memory_file file;
  fuzz::accepts([&] {
    const dcs::io::safetensors all = dcs::io::read_safetensors(file.with(bytes));
    for (const auto& [name, t] : all.tensors) {
      fuzz::check(t.name == name, "a tensor knows its name");
      fuzz::accepts([&, &tensor = t] { tensor.as<float>(); });
      fuzz::accepts([&, &tensor = t] { tensor.as<std::int64_t>(); });
    }
  });
}
