#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

/// Counts what a test program allocates, on each thread by itself. For one source file of a program, since it replaces
/// the operators of all of it.
namespace {
thread_local std::size_t allocations = 0;
}

// Every other form of new calls the first of these; the sanitizers' own nothrow form would not.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
