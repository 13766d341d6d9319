# What tests/performance measures with, built when asked for:
#
#   cmake --build --preset release --target guards
#
# The benchmarks of the hot path need Google Benchmark, which compiling the program does not.
add_library(count_system_calls MODULE EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/support/count_system_calls.cpp)
target_link_libraries(count_system_calls PRIVATE sidegate_flags)
# Fortified headers have definitions of their own for some of what it replaces.
target_compile_options(count_system_calls PRIVATE -U_FORTIFY_SOURCE)

find_package(benchmark QUIET)
if(benchmark_FOUND)
  add_executable(hot_path EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/hot_path.cpp)
  target_include_directories(hot_path PRIVATE ${CMAKE_SOURCE_DIR}/tests/policy)
  target_link_libraries(hot_path PRIVATE sidegate_flags sidegate_base sidegate_config sidegate_telemetry sidegate_http sidegate_token sidegate_inquiry
                                         sidegate_policy sidegate_proxy Boost::headers Boost::json benchmark::benchmark)
  add_custom_target(guards DEPENDS sidegate count_system_calls hot_path)
endif()
