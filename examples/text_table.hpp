// Tables as texts. The names of runs are any bytes, of which each format has some that mean something else.
#pragma once

#include <string>
#include <vector>

namespace programs {

/// A text as a cell of a table, safe to show on a terminal.
std::string escaped_markdown(const std::string& text);
std::string escaped_latex(const std::string& text);

/// Lines of cells, escaped already and equally many in each; the first is the heading. In LaTeX a tabular with the rules of booktabs.
std::string markdown_table(const std::vector<std::vector<std::string>>& lines);
std::string latex_table(const std::vector<std::vector<std::string>>& lines);

}  // namespace programs
