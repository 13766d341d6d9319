#pragma once

#include <sidegate/token/token_digest.hpp>

#include <sidegate/base/clock.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <memory>
#include <optional>

namespace sidegate::token {

/// Remembers what verified tokens said, by their digest, so that a token that comes again need not be verified again.
/// The token itself is not kept.
///
/// It may be asked only about tokens that are held against the same keys and rules as those that it was given. What was
/// not asked for longest makes room. Belongs to one thread.
class VerifiedTokenCache {
 public:
  /// Both limits are more than 0 and hold at every moment. The bytes of an entry are all that it takes: the claims,
  /// itself, and its place in the index.
  VerifiedTokenCache(std::size_t entries_max, std::size_t bytes_max) noexcept;
  ~VerifiedTokenCache();
  VerifiedTokenCache(const VerifiedTokenCache&) = delete;
  VerifiedTokenCache& operator=(const VerifiedTokenCache&) = delete;

  /// What was kept, if it holds at `now`; where it does not, it is let go of. The claims live until the next call of
  /// one of these three. Allocates nothing.
  std::optional<VerifiedJwt> find(const TokenDigest::Bytes& digest, base::UnixTime now) noexcept;

  /// Keeps a copy, in the place of one that is kept already. One that needs more than the bytes of the whole cache is
  /// not kept.
  void keep(const TokenDigest::Bytes& digest, const VerifiedJwt& verified);

  void clear() noexcept;

  std::size_t size() const noexcept { return index_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  /// One block, in which the claims lie. A copy of a JSON value takes the memory of its original along, so what is
  /// asked for once the block is full comes from the heap, and goes back there.
  class Block final : public boost::json::memory_resource {
   public:
    explicit Block(std::size_t bytes);

   private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const boost::json::memory_resource& other) const noexcept override { return this == &other; }

    std::unique_ptr<unsigned char[]> bytes_;
    std::size_t size_;
    std::size_t used_ = 0;
  };

  struct Entry : boost::intrusive::list_base_hook<> {
    Entry(const TokenDigest::Bytes& of, const VerifiedJwt& verified, std::size_t claims_bytes, std::size_t all_bytes);

    TokenDigest::Bytes digest;
    Validity validity;
    Block memory;
    boost::json::object claims;
    std::size_t bytes;
  };

  /// An entry is found by its digest.
  struct Hash : DigestHash {
    using is_transparent = void;
    using DigestHash::operator();
    std::size_t operator()(const std::unique_ptr<Entry>& entry) const noexcept { return (*this)(entry->digest); }
  };
  struct Equal {
    using is_transparent = void;
    static const TokenDigest::Bytes& digest_of(const TokenDigest::Bytes& digest) noexcept { return digest; }
    static const TokenDigest::Bytes& digest_of(const std::unique_ptr<Entry>& entry) noexcept { return entry->digest; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return digest_of(a) == digest_of(b);
    }
  };

  void erase(Entry& entry) noexcept;

  std::size_t entries_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  boost::unordered_flat_set<std::unique_ptr<Entry>, Hash, Equal> index_;
  boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> order_;  ///< the last asked for is first
};

}  // namespace sidegate::token
