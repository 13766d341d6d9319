#include "verified_token_cache.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <functional>
#include <new>
#include <utility>

namespace sidegate::token {
namespace {

namespace json = boost::json;

/// What an entry takes beside its two blocks of memory: its place in an index that may be less than half full, and what
/// the allocator needs for itself.
constexpr std::size_t kBesideBytes = 64;

/// Where in a block of which `used` bytes are taken something of this alignment may begin.
std::size_t aligned(std::size_t used, std::size_t alignment) noexcept {
  return (used + alignment - 1) / alignment * alignment;
}

/// Adds up what a copy takes of one block, and gives it other memory meanwhile.
class MeasuringMemory final : public json::memory_resource {
 public:
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    bytes_ = aligned(bytes_, alignment) + bytes;
    return arena_.allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t bytes_ = 0;
  std::array<unsigned char, 4096> block_;
  json::monotonic_resource arena_{block_.data(), block_.size()};
};

std::size_t measure(const json::object& claims) {
  MeasuringMemory memory;
  const json::object copy(claims, &memory);
  return memory.bytes();
}

}  // namespace

VerifiedTokenCache::Block::Block(std::size_t bytes)
    : bytes_(std::make_unique_for_overwrite<unsigned char[]>(bytes)), size_(bytes) {}

void* VerifiedTokenCache::Block::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t begin = aligned(used_, alignment);
  if (begin > size_ || bytes > size_ - begin) return ::operator new(bytes);
  used_ = begin + bytes;
  return bytes_.get() + begin;
}

void VerifiedTokenCache::Block::do_deallocate(void* memory, std::size_t, std::size_t) {
  const auto* const place = static_cast<const unsigned char*>(memory);
  const std::less<> before;  // which may compare pointers into different blocks
  if (before(place, bytes_.get()) || !before(place, bytes_.get() + size_)) ::operator delete(memory);
}

VerifiedTokenCache::Entry::Entry(const TokenDigest::Bytes& of, const VerifiedJwt& verified, std::size_t claims_bytes,
                                 std::size_t all_bytes)
    : digest(of),
      validity(verified.validity),
      memory(claims_bytes),
      claims(*verified.claims, &memory),
      bytes(all_bytes) {}

VerifiedTokenCache::VerifiedTokenCache(std::size_t entries_max, std::size_t bytes_max) noexcept
    : entries_max_(entries_max), bytes_max_(bytes_max) {}

VerifiedTokenCache::~VerifiedTokenCache() {
  order_.clear();  // before the entries that it links
}

std::optional<VerifiedJwt> VerifiedTokenCache::find(const TokenDigest::Bytes& digest, base::UnixTime now) noexcept {
  const auto found = index_.find(digest);
  if (found == index_.end()) return std::nullopt;
  Entry& entry = **found;
  if (!entry.validity.holds(now)) {
    erase(entry);
    return std::nullopt;
  }
  order_.splice(order_.begin(), order_, order_.iterator_to(entry));
  return VerifiedJwt{&entry.claims, entry.validity};
}

void VerifiedTokenCache::keep(const TokenDigest::Bytes& digest, const VerifiedJwt& verified) {
  if (const auto found = index_.find(digest); found != index_.end()) erase(**found);
  const std::size_t claims_bytes = measure(*verified.claims);
  const std::size_t bytes = sizeof(Entry) + claims_bytes + kBesideBytes;
  if (bytes > bytes_max_) return;
  while (index_.size() == entries_max_ || bytes_ > bytes_max_ - bytes) erase(order_.back());
  const auto [place, added] = index_.insert(std::make_unique<Entry>(digest, verified, claims_bytes, bytes));
  order_.push_front(**place);
  bytes_ += bytes;
}

void VerifiedTokenCache::clear() noexcept {
  order_.clear();
  index_ = {};  // with its memory
  bytes_ = 0;
}

void VerifiedTokenCache::erase(Entry& entry) noexcept {
  bytes_ -= entry.bytes;
  order_.erase(order_.iterator_to(entry));
  index_.erase(index_.find(entry.digest));
}

}  // namespace sidegate::token
