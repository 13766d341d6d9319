# Debian's packages only; deploy/install-packages.sh installs them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)

# Boost and the others are not ours to warn about.
foreach(library Boost::headers Boost::json Boost::url yaml-cpp spdlog::spdlog fmt::fmt prometheus-cpp::core CLI11::CLI11)
  get_target_property(folders ${library} INTERFACE_INCLUDE_DIRECTORIES)
  if(folders)
    set_target_properties(${library} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${folders}")
  endif()
endforeach()

# Asio and Beast are compiled once each, not in every file that includes them. The definitions must be the same in every
# translation unit, hence public. Beast asserts on input that it should refuse unless NDEBUG is set, whatever the build.
add_library(asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cpp)
target_link_libraries(asio PUBLIC Boost::headers Threads::Threads PRIVATE sidegate_flags)
target_compile_definitions(asio PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=8)
add_library(asio_ssl STATIC ${CMAKE_SOURCE_DIR}/cmake/asio_ssl.cpp)
target_link_libraries(asio_ssl PUBLIC asio OpenSSL::SSL OpenSSL::Crypto PRIVATE sidegate_flags)
add_library(beast STATIC ${CMAKE_SOURCE_DIR}/cmake/beast.cpp)
target_link_libraries(beast PUBLIC asio PRIVATE sidegate_flags)
target_compile_definitions(beast PUBLIC BOOST_BEAST_SEPARATE_COMPILATION NDEBUG)
