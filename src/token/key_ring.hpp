#pragma once

#include "verification_key.hpp"

#include <sidegate/base/clock.hpp>
#include <sidegate/token/check_list.hpp>
#include <sidegate/token/key_material.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::token {

/// The keys of one authenticator, each bound to the algorithm it is used with, so that a token's own `alg` can never
/// turn one kind of key into another. Belongs to one thread, as its keys do.
class KeyRing {
 public:
  /// Makes `key` ready for each of `algorithms` that it fits. The message says why it fits none, or what is wrong.
  /// `origin` is what it belongs to: keys of the same origin are removed together.
  base::OrMessage<void> add(const KeyMaterial& key, AlgorithmSet algorithms, std::size_t origin);

  void remove(std::size_t origin);

  bool empty() const noexcept { return entries_.empty(); }

  /// Whether some key is called `key_id`, whatever it is used with and until when.
  bool knows(std::string_view key_id) const noexcept;

  /// The moment from which the key that made `signature` is not to be used, or nothing when none made it.
  ///
  /// Keys past their `until` do not count. A `key_id` that some key has chooses among the keys; without one, or with
  /// one that no key has, each key of the algorithm is tried in order. Which one it was, or that it was none, is noted
  /// in `checks`.
  std::optional<base::UnixTime> verify(Algorithm algorithm, std::string_view key_id, std::string_view message,
                                       std::string_view signature, base::UnixTime now, CheckList* checks = nullptr);

 private:
  struct Entry {
    std::string id;
    std::string label;
    base::UnixTime until;
    std::size_t origin;
    VerificationKey key;

    bool fits(Algorithm wanted, base::UnixTime now) const noexcept { return key.algorithm() == wanted && now < until; }
  };

  std::string describe_keys(Algorithm algorithm, base::UnixTime now) const;

  std::vector<Entry> entries_;
};

}  // namespace sidegate::token
