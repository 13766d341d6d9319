#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::config {

/// The name that takes the place of a file's where the configuration was made from environment variables.
inline constexpr std::string_view kEnvironmentFile = "environment";

/// Where a value stands in the configuration: 1-based line and column (0 where there is no text behind it), and the
/// path of keys, for example `routes[2].inject.X-User-Id`.
struct Location {
  int line = 0;
  int column = 0;
  std::string path;
  bool holds_variable = false;  ///< what stands here comes from a variable, and may be secret

  /// Where a value stands is no part of what it says: configurations are compared by what they say.
  friend bool operator==(const Location&, const Location&) noexcept { return true; }
};

/// A value with the place it came from, so that a later room can still point at it.
template <class T>
struct Located {
  T value{};
  Location where;

  bool operator==(const Located&) const = default;
};

/// Collects everything that is wrong with one configuration, so that all of it is reported at once.
///
/// Every room that compiles a part of the configuration writes into the same object. Not for secrets: a message names
/// the place of a secret, never its value.
class Diagnostics {
 public:
  enum class Severity { Error, Warning };
  struct Entry {
    Severity severity;
    Location where;
    std::string message;
  };

  /// `file` is the name that messages begin with; kEnvironmentFile for the configuration made from variables.
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  void error(const Location& where, std::string message);
  void warning(const Location& where, std::string message);

  /// An error whose message may show `text`, unless a variable has put something into it.
  void error_about(const Located<std::string>& text, std::string message);

  bool ok() const noexcept { return error_count_ == 0; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  const std::string& file() const noexcept { return file_; }

  /// One line an entry, in the order of the text: `FILE:LINE:COL: at PATH: message`, warnings with `warning: ` before
  /// the message. Without line and column where there are none, or where they would count in a text that nobody wrote
  /// (kEnvironmentFile).
  /// Where `only` is given, those of that severity.
  std::vector<std::string> lines(std::optional<Severity> only = std::nullopt) const;

 private:
  std::string file_;
  std::vector<Entry> entries_;
  std::size_t error_count_ = 0;
};

/// ` (did you mean "NAME"?)` for the one of `known` that is close to `given`, otherwise nothing.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& known);

}  // namespace sidegate::config
