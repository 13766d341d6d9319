#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "running_proxy.hpp"
#include "scripts.hpp"

namespace {

thread_local bool counted = false;  ///< whether this thread's allocations are counted
std::atomic<std::size_t> allocations = 0;

void count_allocation() {
  if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// Every form of new that is not replaced here calls one of these. Kept out of line: inlined, g++ takes the free inside
// for one that does not belong to the new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  count_allocation();
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  count_allocation();
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Asio takes the memory of handlers and coroutines from here, and keeps some of it.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count_allocation();
  return ::memalign(alignment, size);
}
#endif

namespace sidegate::proxy {
namespace {

/// How many allocations the worker makes for a few hundred requests on a warm connection. What it makes now and then,
/// for a connection that has rested while the machine was busy, is in some of the rounds only: the least of them
/// counts.
std::size_t count_allocations(const std::string& request, const std::string& routes) {
  ScriptedOrigin origin(answering("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"));
  RunningProxy proxy({origin.port()}, {.routes = routes, .on_thread = [] { counted = true; }});
  Wire client(proxy.port());
  const auto ask = [&](int times) {
    const std::size_t before = allocations;
    for (int i = 0; i < times; ++i) {
      EXPECT_TRUE(client.send(request));
      EXPECT_EQ(client.read_answer().status(), 200U);
    }
    return allocations - before;
  };
  EXPECT_GT(ask(100), 0U) << "nothing is counted";
  std::size_t least = ask(250);
  for (int round = 1; round < 4; ++round) least = std::min(least, ask(250));
  return least;
}

TEST(Allocation, AWarmConnectionMakesNone) {
  const std::string open = "routes: [{path: /**, authenticate: none, upstream: app}]\n";
  const std::string guarded = "routes: [{path: /**, authenticate: [staff], upstream: app}]\n";
  const boost::json::object claims{{"sub", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"}, {"exp", 4'000'000'000}};
  const auto token = *token::sign_jwt(claims, token::Algorithm::HS256, RunningProxy::kSecret);
  const std::string more = "Host: h.example\r\nUser-Agent: a client\r\nAccept: */*\r\n";
  EXPECT_EQ(count_allocations("GET /x?q=1 HTTP/1.1\r\n" + more + "\r\n", open), 0U) << "without a credential";
  EXPECT_EQ(
      count_allocations("GET /x HTTP/1.1\r\n" + more + "Cookie: a=b; access_token=" + token + "\r\n\r\n", guarded), 0U)
      << "with a cookie";
  EXPECT_EQ(count_allocations("GET /x HTTP/1.1\r\n" + more + "Authorization: Bearer " + token + "\r\n\r\n", guarded),
            0U)
      << "with a bearer token";
  EXPECT_EQ(count_allocations("POST /x HTTP/1.1\r\n" + more + "Content-Length: 5\r\n\r\nhello", open), 0U)
      << "with a body";
}

}  // namespace
}  // namespace sidegate::proxy
