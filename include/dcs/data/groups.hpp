// Groups of images: those of one patient, one video or one volume, which must not be in two splits.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/csv.hpp>
#include <dcs/io/names.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <regex.h>

DCS_EXACT_MATH
namespace dcs {

/// Which group an image belongs to, by its name: a regular expression on the name, or a table.
class group_rule {
 public:
  /// `rule` is a file NAME.csv with rows name,group (a first row "name,group" is its heading; names with or without their extension), or a regular
  /// expression (POSIX extended) that is searched in the name without its extension: the group is what its first parentheses match, without any the
  /// whole match, as
  /// "^patient([0-9]+)_". Throws dcs::error where the expression is none, the file cannot be read, or it gives a name two groups.
  explicit group_rule(const std::string& rule) {
    if (rule.ends_with(".csv")) {
      const auto rows = io::read_csv(rule, 2);
      for (std::size_t k = 0; k < rows.size(); ++k) {
        if (k == 0 && rows[k][0] == "name" && rows[k][1] == "group") continue;
        const auto [at, is_new] = table_.emplace(without_image_extension(rows[k][0]), rows[k][1]);
        expect(is_new || at->second == rows[k][1], "dcs::group_rule: ", printable(rule), ": ", printable(rows[k][0]), " is in two groups, ",
               printable(at->second), " and ", printable(rows[k][1]));
      }
      return;
    }
    auto compiled = std::make_unique<regex_t>();
    if (const int code = ::regcomp(compiled.get(), rule.c_str(), REG_EXTENDED); code != 0) {
      char words[128];
      ::regerror(code, compiled.get(), words, sizeof words);
      fail("dcs::group_rule: ", printable(rule), " is no regular expression: ", words);
    }
    expression_ = std::shared_ptr<regex_t>(compiled.release(), [](regex_t* r) { ::regfree(r), delete r; });
  }

  /// The group of an image's name (without folders), with its extension (io/names.hpp, without_image_extension) or without: a set that is converted
  /// and one that is verified have the same groups. std::nullopt where the rule does not know the name.
  std::optional<std::string> of(const std::string& file) const {
    const std::string name = without_image_extension(file);
    if (expression_) {
      regmatch_t found[2];
      if (::regexec(expression_.get(), name.c_str(), 2, found, 0) != 0) return std::nullopt;
      const regmatch_t& group = found[found[1].rm_so >= 0 ? 1 : 0];
      return name.substr(static_cast<std::size_t>(group.rm_so), static_cast<std::size_t>(group.rm_eo - group.rm_so));
    }
    const auto at = table_.find(name);
    return at == table_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  std::map<std::string, std::string> table_;
  std::shared_ptr<regex_t> expression_;  // compiled once; matching changes nothing in it
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
