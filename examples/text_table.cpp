#include "text_table.hpp"

#include <dcs/core/printable.hpp>

namespace programs {

std::string escaped_markdown(const std::string& text) {
  std::string out;
  for (const char c : dcs::printable(text))
    out += std::string("\\|*_`[]<&~").find(c) == std::string::npos ? std::string(1, c) : std::string("\\") + c;
  return out;
}
std::string escaped_latex(const std::string& text) {
  std::string out;
  for (const char c : dcs::printable(text)) {
    if (c == '\\')
      out += "\\textbackslash{}";
    else if (c == '~' || c == '^')
      out += std::string("\\") + c + "{}";
    else if (c == '<' || c == '>' || (c == '-' && (out.empty() || out.back() == ' ' || out.back() == '[')))
      out += std::string("$") + c + "$";  // a sign, not a hyphen
    else
      out += std::string("&%$#_{}").find(c) == std::string::npos ? std::string(1, c) : std::string("\\") + c;
  }
  return out;
}

namespace {

std::string joined(const std::vector<std::string>& line, const char* before, const char* between, const char* after) {
  std::string out = before;
  for (std::size_t k = 0; k < line.size(); ++k) out += (k == 0 ? "" : between) + line[k];
  return out + after;
}

}  // namespace

std::string markdown_table(const std::vector<std::vector<std::string>>& lines) {
  std::string out = joined(lines[0], "| ", " | ", " |\n");
  out += joined(std::vector<std::string>(lines[0].size(), "---"), "|", "|", "|\n");
  for (std::size_t k = 1; k < lines.size(); ++k) out += joined(lines[k], "| ", " | ", " |\n");
  return out;
}

std::string latex_table(const std::vector<std::vector<std::string>>& lines) {
  std::string out = "\\begin{tabular}{" + std::string(lines[0].size(), 'l') + "}\n\\toprule\n" + joined(lines[0], "", " & ", " \\\\\n\\midrule\n");
  for (std::size_t k = 1; k < lines.size(); ++k) out += joined(lines[k], "", " & ", " \\\\\n");
  return out + "\\bottomrule\n\\end{tabular}\n";
}

}  // namespace programs
