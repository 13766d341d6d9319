#pragma once

#include "reading.hpp"
#include "request.hpp"

#include <sidegate/config/config.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::authority {

/// How a service is asked who a user is, one at a time or many at once, and what it answers. Nothing here does input or
/// output.
class UserProtocol {
 public:
  /// The message says why it can never be asked.
  static base::OrMessage<UserProtocol> create(const config::UserInfo& settings);

  /// Whether several users can be asked for at once.
  bool has_batches() const noexcept { return batch_url_.has_value(); }

  /// Whether the caller's own token, where that is sent along, can stand where it is sent.
  bool can_send(std::string_view token) const noexcept;

  Request request(std::string_view subject, std::string_view token) const;
  Request batch_request(const std::vector<std::string>& subjects) const;

  Reading read(const HttpAnswer& answer, const std::string& subject) const;
  /// One reading for each of `subjects`.
  std::vector<Reading> read_batch(const HttpAnswer& answer, const std::vector<std::string>& subjects) const;

 private:
  UserProtocol(const config::UserInfo& settings, Url url) : settings_(settings), url_(std::move(url)) {}

  config::UserInfo settings_;
  Url url_;  ///< with the placeholder
  std::optional<Url> batch_url_{};
  base::Secret own_{};  ///< field lines
};

}  // namespace sidegate::authority
