# tests/fuzz/NAME.cpp is a libFuzzer target; its corpus, tests/fuzz/corpus/NAME, is replayed by the ordinary tests too.
#
#   cmake --preset fuzz && cmake --build --preset fuzz --target fuzzers
#   mkdir found && build/fuzz/fuzz_NAME -max_total_time=60 found tests/fuzz/corpus/NAME

# The rooms themselves are to report what they cover, or the fuzzer gropes in the dark.
target_compile_options(sidegate_flags INTERFACE -fsanitize=fuzzer-no-link)

add_custom_target(fuzzers)
file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*.cpp)
foreach(source IN LISTS fuzzers)
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE sidegate_flags sidegate_base sidegate_config sidegate_http sidegate_token sidegate_net
                                             Boost::headers Boost::json OpenSSL::Crypto beast)
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} -runs=0 ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  add_dependencies(fuzzers fuzz_${name})
endforeach()
