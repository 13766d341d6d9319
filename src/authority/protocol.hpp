#pragma once

#include "introspection_protocol.hpp"
#include "remote_protocol.hpp"
#include "session_protocol.hpp"
#include "user_protocol.hpp"

#include <sidegate/inquiry/question.hpp>
#include <sidegate/inquiry/service.hpp>

#include <cstddef>
#include <variant>
#include <vector>

namespace sidegate::authority {

/// How a service is asked and understood, whichever kind it is. Nothing here does input or output.
class Protocol {
 public:
  using Questions = std::vector<const inquiry::Question*>;

  static constexpr std::size_t kBodyBytesMax = std::size_t{256} * 1024;
  static constexpr std::size_t kBatchBodyBytesMax = std::size_t{1024} * 1024;
  static constexpr std::size_t kBatchMax = 100;

  /// The message says why the service can never be asked.
  static base::OrMessage<Protocol> create(const inquiry::Service& service);

  /// Whether several questions are asked at once, at most kBatchMax.
  bool has_batches() const noexcept;
  /// Whether the answer is about who asks, or how often, so that the questions of a batch would fare no better alone.
  static bool refuses_all(const HttpAnswer& answer) noexcept;

  /// Whether the question can be put at all: its token can stand where it would be sent.
  bool can_ask(const inquiry::Question& question) const noexcept;

  /// The message says why that cannot be sent.
  base::OrMessage<Request> request(const inquiry::Question& question, base::UnixTime now) const;
  Reading read(const HttpAnswer& answer, const inquiry::Question& question, base::UnixTime now) const;

  /// The same for a batch, where there are batches: one reading for each of the questions.
  base::OrMessage<Request> batch_request(const Questions& questions) const;
  std::vector<Reading> read_batch(const HttpAnswer& answer, const Questions& questions) const;

 private:
  using Kind = std::variant<RemoteProtocol, IntrospectionProtocol, UserProtocol, SessionProtocol>;

  explicit Protocol(Kind kind) : kind_(std::move(kind)) {}

  Kind kind_;
};

}  // namespace sidegate::authority
