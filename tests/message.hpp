// What an error says, for tests of messages.
#pragma once

#include <dcs/core/error.hpp>

#include <string>

/// The message of the dcs::error that f throws; "" where it throws none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const dcs::error& e) {
    return e.what();
  }
  return "";
}
