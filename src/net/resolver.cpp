#include <sidegate/net/resolver.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <string>

namespace sidegate::net {

using Endpoints = std::vector<StreamSocket::endpoint_type>;

bool Resolver::is_literal(const config::Address& address) {
  return !literal(address).empty();
}

Endpoints Resolver::literal(const config::Address& address) {
  if (address.kind == config::Address::Kind::Unix) {
    return {boost::asio::local::stream_protocol::endpoint(address.path)};
  }
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(address.host, error);
  if (error) return {};
  return {boost::asio::ip::tcp::endpoint(ip, address.port)};
}

boost::asio::awaitable<Endpoints, Executor> Resolver::resolve(const config::Address& address) {
  if (auto endpoints = literal(address); !endpoints.empty()) co_return endpoints;
  boost::asio::ip::basic_resolver<boost::asio::ip::tcp, Executor> resolver(executor_);
  const auto [error, results] = co_await resolver.async_resolve(address.host, std::to_string(address.port),
                                                                boost::asio::as_tuple(boost::asio::deferred));
  Endpoints endpoints;
  if (!error) {
    for (const auto& entry : results) endpoints.emplace_back(entry.endpoint());
  }
  co_return endpoints;
}

}  // namespace sidegate::net
