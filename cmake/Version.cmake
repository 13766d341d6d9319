# What `sidegate version` and the metric sidegate_build_info say.
# Made anew when the commit changes: both files do then, and not in a source archive, which has neither.
foreach(file HEAD logs/HEAD)
  if(EXISTS ${CMAKE_SOURCE_DIR}/.git/${file})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/.git/${file})
  endif()
endforeach()
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
                OUTPUT_VARIABLE SIDEGATE_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT SIDEGATE_COMMIT)
  set(SIDEGATE_COMMIT unknown)
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/version.hpp.in ${CMAKE_BINARY_DIR}/generated/version.hpp)
target_include_directories(sidegate_app PRIVATE ${CMAKE_BINARY_DIR}/generated)
