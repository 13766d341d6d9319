#pragma once

#include <sidegate/net/proxy_protocol.hpp>

#include <string>

#include "property.hpp"

namespace sidegate::fuzz {

/// A PROXY header is the same however its bytes are split and whatever comes behind it, and never reaches past them.
inline Defect proxy_header(std::string_view input) {
  using Status = net::ProxyHeader::Status;
  const auto whole = net::parse_proxy_header(input);
  if (whole.status == Status::Whole && (whole.bytes == 0 || whole.bytes > input.size())) return "it ends out of bounds";
  if (whole.status == Status::NeedMore && input.size() >= net::kProxyHeaderBytesMax) return "it never ends";
  const std::size_t decided = whole.status == Status::Whole ? whole.bytes : input.size();
  bool was_broken = false;
  for (std::size_t size = 0; size < decided; ++size) {
    const auto part = net::parse_proxy_header(input.substr(0, size));
    if (part.status == Status::Whole) return "a part of it is whole";
    if (was_broken && part.status != Status::Broken) return "broken is not for ever";
    was_broken = part.status == Status::Broken;
  }
  if (was_broken && whole.status != Status::Broken) return "a part of it is broken";
  const auto longer = net::parse_proxy_header(std::string(input) + "GET / HTTP/1.1\r\n\r\n");
  if (whole.status == Status::NeedMore) return {};
  const bool same = longer.status == whole.status && longer.bytes == whole.bytes && longer.source == whole.source;
  return same ? Defect{} : "what comes behind it changes it";
}

}  // namespace sidegate::fuzz
