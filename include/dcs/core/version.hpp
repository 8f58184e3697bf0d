// The version of dcs, said in this one place: CMake, the installed package and the programs' --version take it from here.
#pragma once

/// The version, by semantic versioning (semver.org): below 1.0, a new minor version may change what compiles. docs/CHANGELOG.md says how.
#define DCS_VERSION_MAJOR 0
#define DCS_VERSION_MINOR 1
#define DCS_VERSION_PATCH 0

#define DCS_VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
#define DCS_VERSION_TEXT(major, minor, patch) DCS_VERSION_TEXT_OF(major, minor, patch)
/// The version as text, "0.1.0".
#define DCS_VERSION DCS_VERSION_TEXT(DCS_VERSION_MAJOR, DCS_VERSION_MINOR, DCS_VERSION_PATCH)
