# sidegate_room(NAME USES room... LIBRARIES target... [TESTS_USE room...])
#
# A room is one folder, one namespace and one library. Its public headers, include/sidegate/NAME, are reached through a
# folder of links of its own, so that a room which does not name another in USES cannot include it: the wrong direction
# does not build.
function(sidegate_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES;TESTS_USE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  add_library(sidegate_${name} STATIC ${sources})
  set_target_properties(sidegate_${name} PROPERTIES LINKER_LANGUAGE CXX)
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view}/sidegate)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/include/sidegate/${name} ${view}/sidegate/${name} SYMBOLIC)
  target_include_directories(sidegate_${name} PUBLIC ${view} PRIVATE ${CMAKE_SOURCE_DIR}/src/${name})
  target_link_libraries(sidegate_${name} PRIVATE sidegate_flags ${ROOM_LIBRARIES})
  foreach(used IN LISTS ROOM_USES)
    target_link_libraries(sidegate_${name} PRIVATE sidegate_${used})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY SIDEGATE_ROOMS ${name})
  set_property(GLOBAL PROPERTY SIDEGATE_USES_${name} ${ROOM_USES} ${ROOM_TESTS_USE})
  set_property(GLOBAL PROPERTY SIDEGATE_LIBRARIES_${name} ${ROOM_LIBRARIES})
endfunction()
