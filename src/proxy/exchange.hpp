#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/limits.hpp>
#include <sidegate/http/body_decoder.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/http/head_parser.hpp>
#include <sidegate/http/target.hpp>
#include <sidegate/origin/pool.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/proxy/request_ids.hpp>
#include <sidegate/revocation/credential.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::proxy {

/// One request and its answer, from the first byte of the head to the access log line. A worker keeps these and uses
/// them again, so that their memory is warm; a connection holds one only while a request is under way.
struct Exchange {
  explicit Exchange(const base::Limits& limits) : request_parser(limits), response_parser(limits) {}

  /// Whether the origin has got the request whole: until then its connection can serve no other, for what comes next
  /// on it would be read as the rest of this one.
  bool request_sent() const noexcept { return request_done && to_origin.empty() && !upload_failed; }

  /// Forgets whatever the next request might read before it is set anew, and keeps the memory.
  void reset();

  // The request.
  http::RequestParser request_parser;
  http::RequestHead head;
  http::RequestFacts facts;
  http::CanonicalTarget target;
  std::string target_storage;
  policy::Scratch scratch;
  policy::Decision decision;
  std::vector<policy::GivenAnswer> answers;  ///< of others who were asked for it
  bool head_read = false;                    ///< `head`, `facts` and `target` hold
  bool head_parsed = false;                  ///< `head` holds
  std::string host_line;                     ///< in place of the caller's Host, where there is none or it is rewritten
  std::string added_lines;                   ///< what Sidegate says of the connection: X-Forwarded-For and the like
  http::BodyDecoder request_body;
  bool request_trailers = false;  ///< the last chunk has been written, trailers follow
  bool request_done = false;      ///< the whole request has been gathered for the origin
  bool upload_failed = false;     ///< the origin takes no more of the request
  bool replayable = false;        ///< `to_origin` holds the whole request, and can be sent once more
  bool retried = false;
  std::uint64_t request_body_bytes = 0;
  http::GatherList to_origin;

  // The answer.
  http::ResponseParser response_parser;
  http::ResponseHead response;
  http::ResponseFacts response_facts;
  http::BodyDecoder response_body;
  bool answer_began = false;  ///< the origin has sent a byte
  bool response_head_read = false;
  bool response_started = false;  ///< bytes of the final answer have been sent or gathered
  bool response_chunked = false;  ///< the client gets chunks
  bool response_trailers = false;
  bool answer_sent = false;   ///< the client has all of it, while its request is still coming
  bool keep_alive = false;    ///< of the client's connection, once this is over
  std::string answer;         ///< lines or a whole answer of our own
  std::string answer_fields;  ///< of an answer of our own
  http::GatherList to_client;

  // A tunnel: the origin has switched to WebSocket.
  bool tunnel = false;
  bool upload_done = false;  ///< the client sends no more, and the origin has got all of it
  /// When it is ended whatever comes over it; far away for what is over with its answer.
  base::SteadyTime ends = base::SteadyTime::max();
  std::optional<revocation::HeldCredential> ends_with;  ///< it is ended once this is revoked

  // What is recorded.
  RequestIds::Id own_id{};
  std::string_view request_id;  ///< our own, or that of a trusted peer
  std::string client_ip;        ///< where a trusted peer tells it; empty: the peer's
  std::string_view trace_id;
  base::SteadyTime started;
  std::optional<base::SteadyTime> answered;  ///< when the origin's head was read
  base::SteadyTime answer_due;               ///< when that is to be at the latest; the epoch until the request was sent
  const origin::ServerState* asked_server = nullptr;  ///< or was to be asked, where it could not be reached
  unsigned status = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::optional<base::Reason> failure;  ///< why it is refused or broken off
  bool failure_answered = false;        ///< the client has been told, as far as it can be
};

}  // namespace sidegate::proxy
