# dcs_version: what include/dcs/core/version.hpp says, the one place that has the version.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../include/dcs/core/version.hpp dcs_version_lines REGEX "^#define DCS_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
list(TRANSFORM dcs_version_lines REPLACE ".* " "")
list(LENGTH dcs_version_lines dcs_version_parts)
if(NOT dcs_version_parts EQUAL 3)
  message(FATAL_ERROR "dcs: core/version.hpp must define DCS_VERSION_MAJOR, _MINOR and _PATCH as numbers, in this order")
endif()
list(JOIN dcs_version_lines "." dcs_version)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/../include/dcs/core/version.hpp)
