#include "grid_file.hpp"

#include <dcs/train/run/config.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

namespace programs {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;  // runs and rows are in the file's order

/// An object of the file, every key of which must be asked for.
class section {
 public:
  section(const json& j, std::string where) : j_(j), where_(std::move(where)) { dcs::expect(j.is_object(), where_, ": expected an object"); }

  const json* find(const std::string& key) {
    known_.insert(key);
    const auto at = j_.find(key);
    return at == j_.end() ? nullptr : &*at;
  }
  const json& at(const std::string& key) {
    const json* value = find(key);
    dcs::expect(value != nullptr, where_, ": ", key, " is missing");
    return *value;
  }
  std::string text(const std::string& key) { return of<std::string>(at(key), key, "a text", at(key).is_string()); }
  std::string text_or(const std::string& key, const std::string& otherwise) { return find(key) ? text(key) : otherwise; }
  bool yes(const std::string& key) { return find(key) && of<bool>(at(key), key, "true or false", at(key).is_boolean()); }
  std::int64_t whole_or(const std::string& key, std::int64_t low, std::int64_t high, std::int64_t otherwise) {
    const json* value = find(key);
    if (!value) return otherwise;
    const bool fits = value->is_number_integer() && *value >= low && *value <= high;
    return of<std::int64_t>(*value, key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), fits);
  }
  std::vector<std::string> texts_or(const std::string& key, const std::vector<std::string>& otherwise) {
    const json* value = find(key);
    if (!value) return otherwise;
    const bool fits = value->is_array() && std::all_of(value->begin(), value->end(), [](const json& t) { return t.is_string(); });
    return of<std::vector<std::string>>(*value, key, "a list of texts", fits);
  }
  std::string where(const std::string& key) const { return where_ + ": " + key; }
  /// Throws for a key that nobody asked for.
  void expect_no_more() const {
    for (const auto& [key, value] : j_.items()) {
      std::string all;
      for (const auto& k : known_) all += " " + k;
      dcs::expect(known_.contains(key), where_, ": unknown key ", key, "; there are", all);
    }
  }

 private:
  template <class T>
  T of(const json& value, const std::string& key, const std::string& expected, bool fits) const {
    dcs::expect(fits, where_, ": ", key, " is ", value.dump(), "; expected ", expected);
    return value.get<T>();
  }

  const json& j_;
  std::string where_;
  std::set<std::string> known_;
};

// The name of a set, network or variant is a folder's too.
void check_name(const std::string& name, const std::string& where) {
  const bool fits = !name.empty() && name[0] != '.' && name[0] != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string("._+-").find(c) != std::string::npos;
  });
  dcs::expect(fits, where, ": the name '", name, "'; expected letters, digits and . _ + -, the first of them no . or -");
}

std::string flag_text(const json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  dcs::expect(value.is_array() && !value.empty(), where, " is ", value.dump(), "; expected true, false, a number, a text or a list of them");
  std::string all;
  for (const json& v : value) {
    dcs::expect(v.is_string() || v.is_number(), where, " contains ", v.dump(), "; expected numbers and texts");
    all += (all.empty() ? "" : ",") + flag_text(v, where);
  }
  return all;
}

// `own`: flags that the grid sets itself.
flags flags_of(section& s, const std::string& key, const std::vector<std::string>& own) {
  flags list;
  const json* options = s.find(key);
  if (!options) return list;
  const std::string where = s.where(key);
  dcs::expect(options->is_object(), where, " is ", options->dump(), "; expected an object of flags without their --");
  for (const auto& [name, value] : options->items()) {
    check_name(name, where);
    dcs::expect(std::find(own.begin(), own.end(), name) == own.end(), where, ": ", name, " is set by the grid itself");
    if (value.is_boolean())
      list.push_back({name, "", value.get<bool>()});
    else
      list.push_back({name, flag_text(value, where + ": " + name)});
    dcs::expect(value.is_boolean() || !list.back().value.empty(), where, ": ", name, " is an empty text");
  }
  return list;
}
const std::vector<std::string> own_of_train{"net", "data", "out", "seed", "resume", "help"}, own_of_evaluate{"run", "data", "out", "split", "help"};

grid_set set_of(section s, const std::string& name, const fs::path& folder) {
  grid_set g;
  g.name = name, g.data = (folder / s.text("data")).lexically_normal().string();
  g.folds = static_cast<int>(s.whole_or("folds", 2, 100, 0));
  g.convert = flags_of(s, "convert", {"out", "folds", "help"});
  g.train = flags_of(s, "train", own_of_train);
  s.expect_no_more();
  return g;
}
grid_network network_of(section s, const std::string& name) {
  grid_network n{name, s.text_or("net", name), {}, flags_of(s, "train", own_of_train)};
  if (const json* labels = s.find("labels")) {
    dcs::expect(labels->is_object(), s.where("labels"), ": expected an object of texts");
    for (const auto& [column, text] : labels->items()) {
      dcs::expect(text.is_string(), s.where("labels"), ": ", column, " is ", text.dump(), "; expected a text");
      n.labels.emplace_back(column, text.get<std::string>());
    }
  }
  s.expect_no_more();
  return n;
}
grid_variant variant_of(section s, const std::string& name) {
  grid_variant v{name, flags_of(s, "train", own_of_train)};
  s.expect_no_more();
  return v;
}

// The entries of an object, each under its name.
template <class Make>
auto entries(section& s, const std::string& key, const Make& make) {
  std::vector<decltype(make(std::declval<section>(), std::string()))> all;
  const json& j = s.at(key);
  dcs::expect(j.is_object() && !j.empty(), s.where(key), ": expected an object with an entry at least");
  for (const auto& [name, value] : j.items()) {
    check_name(name, s.where(key));
    all.push_back(make(section(value, s.where(key) + ": " + name), name));
  }
  return all;
}

template <class T>
std::vector<std::string> names_of(const std::vector<T>& all) {
  std::vector<std::string> names;
  for (const auto& a : all) names.push_back(a.name);
  return names;
}
void expect_one_of(const std::string& name, const std::vector<std::string>& names, const std::string& where) {
  std::string all;
  for (const auto& n : names) all += " " + n;
  dcs::expect(std::find(names.begin(), names.end(), name) != names.end(), where, " is ", name, "; there are", all);
}

grid_table table_of(section s, const grid& g) {
  grid_table t;
  t.title = s.text("title"), t.cost = s.yes("cost");
  t.set = g.sets.size() == 1 ? s.text_or("set", g.sets[0].name) : s.text("set");
  t.variant = g.variants.size() == 1 ? s.text_or("variant", g.variants[0].name) : s.text("variant");
  t.labels = s.texts_or("labels", {"Model"});
  t.networks = s.texts_or("networks", names_of(g.networks));
  expect_one_of(t.set, names_of(g.sets), s.where("set"));
  expect_one_of(t.variant, names_of(g.variants), s.where("variant"));
  for (const auto& n : t.networks) expect_one_of(n, names_of(g.networks), s.where("networks"));
  s.expect_no_more();
  return t;
}

std::vector<std::uint64_t> seeds_of(section& s) {
  std::vector<std::uint64_t> seeds{1};
  if (const json* list = s.find("seeds")) {
    seeds.clear();
    dcs::expect(list->is_array() && !list->empty(), s.where("seeds"), ": expected a list of whole numbers from 0");
    for (const json& v : *list) {
      dcs::expect(v.is_number_unsigned(), s.where("seeds"), ": ", v.dump(), "; expected a whole number from 0");
      dcs::expect(std::find(seeds.begin(), seeds.end(), v.get<std::uint64_t>()) == seeds.end(), s.where("seeds"), ": ", v.dump(), " stands twice");
      seeds.push_back(v.get<std::uint64_t>());
    }
  }
  return seeds;
}

}  // namespace

grid read_grid(const std::string& path) {
  const std::string bytes = dcs::io::read_bytes(path, "dcs::grid", 1 << 24), where = dcs::printable(path);
  (void)dcs::parse_json(bytes, where);  // refuses keys that stand twice
  const json j = json::parse(bytes);
  const fs::path folder = fs::path(path).parent_path();
  section s(j, where);
  grid g;
  g.folder = folder.string();
  g.out = (folder / s.text("out")).lexically_normal().string();
  g.sets = entries(s, "sets", [&](section v, const std::string& name) { return set_of(std::move(v), name, folder); });
  g.networks = entries(s, "networks", [](section v, const std::string& name) { return network_of(std::move(v), name); });
  g.variants = {{}};
  if (s.find("variants")) g.variants = entries(s, "variants", [](section v, const std::string& name) { return variant_of(std::move(v), name); });
  g.seeds = seeds_of(s);
  g.train = flags_of(s, "train", own_of_train), g.evaluate = flags_of(s, "evaluate", own_of_evaluate);
  if (const json* tables = s.find("tables")) {
    dcs::expect(tables->is_array(), s.where("tables"), ": expected a list");
    for (const json& t : *tables) g.tables.push_back(table_of(section(t, s.where("tables")), g));
  }
  s.expect_no_more();
  return g;
}

std::vector<std::string> arguments_of(const std::vector<flags>& lists) {
  flags last;
  for (const auto& list : lists)
    for (const flag& f : list) {
      const auto at = std::find_if(last.begin(), last.end(), [&](const flag& earlier) { return earlier.name == f.name; });
      if (at == last.end())
        last.push_back(f);
      else
        *at = f;
    }
  std::vector<std::string> arguments;
  for (const flag& f : last)
    if (f.wanted) arguments.push_back("--" + f.name + (f.value.empty() ? "" : "=" + f.value));
  return arguments;
}

}  // namespace programs
