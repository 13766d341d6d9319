#pragma once

#include "call.hpp"
#include "known_hosts.hpp"
#include "tls.hpp"
#include "url.hpp"

#include <sidegate/config/config.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace sidegate::authority {

/// Gets documents from an issuer, one after the other, under one deadline for all of them. What differs from an answer
/// 200 with a whole body is an error, said in words that name the URL.
///
/// Redirects are followed to the same scheme, host and port; anything else might be a way to somewhere that only this
/// machine can reach.
///
/// Belongs to the thread of its loop.
class Fetch {
 public:
  /// The deadline runs from now on. `hosts` outlives it.
  static std::shared_ptr<Fetch> start(boost::asio::io_context& io, KnownHosts& hosts, const config::Issuer& issuer,
                                      std::chrono::milliseconds patience);

  Task<base::OrMessage<HttpAnswer>> get(Url url);

  /// Ends what is under way and all that is asked later, with these words.
  void cut(std::string why) { call_->cut(std::move(why)); }

 private:
  Fetch(std::shared_ptr<Call> call, const config::Issuer& issuer) : call_(std::move(call)), issuer_(issuer) {}

  Task<base::OrMessage<HttpAnswer>> get_one(const Url& url);
  base::OrMessage<TlsContext> tls_for(const Url& url) const;

  std::shared_ptr<Call> call_;
  config::Issuer issuer_;
};

}  // namespace sidegate::authority
