// io/names.hpp and core/printable.hpp: every name survives JSON, and what is shown of it is UTF-8.
#include "target.hpp"

#include <dcs/io/names.hpp>

DCS_FUZZ_TARGET(names) {
  const std::string name(bytes);
  fuzz::check(dcs::is_utf8(dcs::printable(name)), "what is shown is UTF-8");
  fuzz::check(name.starts_with(dcs::without_image_extension(name)), "a name without its extension begins the name");
  fuzz::accepts([&] { dcs::name_of_json(name); });
  if (name.find('\0') != name.npos) return;
  const std::string spelled = dcs::json_name(name);
  fuzz::check(dcs::is_utf8(spelled), "JSON is UTF-8");
  fuzz::check(dcs::name_of_json(spelled) == name, "a name survives JSON");
}
