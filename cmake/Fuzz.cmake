# tests/fuzz/NAME.cpp is a libFuzzer target; its corpus, tests/fuzz/corpus/NAME, is replayed by the ordinary tests too.
file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*.cpp)
foreach(source IN LISTS fuzzers)
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE sidegate_flags sidegate_base sidegate_config sidegate_http sidegate_token beast)
endforeach()
