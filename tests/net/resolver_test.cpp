#include <sidegate/net/resolver.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

namespace sidegate::net {
namespace {

using Endpoints = std::vector<StreamSocket::endpoint_type>;

config::Address tcp(const std::string& host, std::uint16_t port = 80) {
  return {config::Address::Kind::Tcp, host, port, {}};
}

boost::asio::awaitable<void, Executor> keep(Resolver& resolver, config::Address address, Endpoints& out) {
  out = co_await resolver.resolve(address);
}

Endpoints resolve(const config::Address& address) {
  boost::asio::io_context io;
  Resolver resolver(io.get_executor());
  Endpoints endpoints;
  boost::asio::co_spawn(io.get_executor(), keep(resolver, address, endpoints), boost::asio::detached);
  io.run();
  return endpoints;
}

TEST(Resolver, LiteralsNeedNoNameServer) {
  const StreamSocket::endpoint_type v4 = boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("10.1.2.3"), 80);
  const StreamSocket::endpoint_type v6 =
      boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("2001:db8::1"), 80);
  EXPECT_EQ(Resolver::literal(tcp("10.1.2.3")), Endpoints{v4});
  EXPECT_EQ(Resolver::literal(tcp("2001:db8::1")), Endpoints{v6});
  EXPECT_EQ(resolve(tcp("10.1.2.3")), Endpoints{v4});
  const config::Address socket{config::Address::Kind::Unix, {}, 0, "/run/a.sock"};
  const StreamSocket::endpoint_type file = boost::asio::local::stream_protocol::endpoint("/run/a.sock");
  EXPECT_EQ(Resolver::literal(socket), Endpoints{file});
  EXPECT_TRUE(Resolver::is_literal(socket));
  EXPECT_TRUE(Resolver::is_literal(tcp("127.0.0.1")));
  EXPECT_FALSE(Resolver::is_literal(tcp("localhost")));
  EXPECT_TRUE(Resolver::literal(tcp("localhost")).empty());
}

TEST(Resolver, NamesAreLookedUp) {
  const auto endpoints = resolve(tcp("localhost", 4711));
  ASSERT_FALSE(endpoints.empty());
  for (const auto& endpoint : endpoints) {
    const auto* const name = static_cast<const sockaddr*>(endpoint.data());
    const bool v6 = name->sa_family == AF_INET6;
    const auto port = v6 ? reinterpret_cast<const sockaddr_in6*>(name)->sin6_port
                         : reinterpret_cast<const sockaddr_in*>(name)->sin_port;
    EXPECT_EQ(ntohs(port), 4711);
  }
}

TEST(Resolver, ANameThatCannotBeHasNoEndpoints) {
  EXPECT_TRUE(resolve(tcp(std::string(70, 'x') + ".example")).empty());
}

}  // namespace
}  // namespace sidegate::net
