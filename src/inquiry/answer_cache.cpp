#include <sidegate/inquiry/answer_cache.hpp>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <utility>

namespace sidegate::inquiry {
namespace {

struct Entry : boost::intrusive::list_base_hook<> {
  Entry(const Key& of, AnswerPtr what) : key(of), answer(std::move(what)) {}

  /// With its place in an index that may be less than half full, and what the allocator needs for itself.
  std::size_t bytes() const noexcept { return sizeof(Entry) + 64 + answer->bytes; }

  Key key;
  AnswerPtr answer;
};

/// An entry is found by its key.
struct Hash : token::DigestHash {
  using is_transparent = void;
  using token::DigestHash::operator();
  std::size_t operator()(const std::unique_ptr<Entry>& entry) const noexcept { return (*this)(entry->key); }
};

struct Equal {
  using is_transparent = void;
  static const Key& key_of(const Key& key) noexcept { return key; }
  static const Key& key_of(const std::unique_ptr<Entry>& entry) noexcept { return entry->key; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept {
    return key_of(a) == key_of(b);
  }
};

using Order = boost::intrusive::list<Entry>;

}  // namespace

struct AnswerCache::State {
  std::size_t entries_max;
  std::size_t bytes_max;
  LetGo let_go;
  std::size_t bytes = 0;
  boost::unordered_flat_set<std::unique_ptr<Entry>, Hash, Equal> index{};
  Order yes{};  ///< the last asked for is first
  Order no{};

  Order& order_of(const Answer& answer) noexcept { return answer.verdict == Answer::Verdict::Yes ? yes : no; }

  void erase(Entry& entry) noexcept {
    Order& order = order_of(*entry.answer);
    order.erase(order.iterator_to(entry));
    bytes -= entry.bytes();
    const auto place = index.find(entry.key);
    const AnswerPtr answer = entry.answer;
    index.erase(place);
    if (let_go) let_go(*answer);
  }

  /// Makes room for one more in `order`. What takes too many bytes goes at the cost of a no, be the newcomer a yes: a
  /// yes is worth more.
  void make_room(Order& order, std::size_t wanted) noexcept {
    while (order.size() >= entries_max) erase(order.back());
    while (!index.empty() && bytes + wanted > bytes_max) {
      erase((no.empty() ? yes : no).back());
    }
  }
};

AnswerCache::AnswerCache(std::size_t entries_max, std::size_t bytes_max, LetGo let_go)
    : state_(std::make_unique<State>(State{entries_max, bytes_max, std::move(let_go)})) {}

AnswerCache::~AnswerCache() {
  if (state_ == nullptr) return;
  state_->yes.clear();  // before the entries that they link
  state_->no.clear();
}

AnswerCache::AnswerCache(AnswerCache&&) noexcept = default;
AnswerCache& AnswerCache::operator=(AnswerCache&&) noexcept = default;

const AnswerPtr* AnswerCache::find(const Key& key) noexcept {
  const auto found = state_->index.find(key);
  if (found == state_->index.end()) return nullptr;
  Entry& entry = **found;
  if (entry.answer->is_withdrawn()) {
    state_->erase(entry);
    return nullptr;
  }
  Order& order = state_->order_of(*entry.answer);
  order.splice(order.begin(), order, order.iterator_to(entry));
  return &entry.answer;
}

void AnswerCache::keep(const Key& key, AnswerPtr answer) {
  erase(key);
  auto entry = std::make_unique<Entry>(key, std::move(answer));
  const std::size_t bytes = entry->bytes();
  if (state_->entries_max == 0 || bytes > state_->bytes_max) {
    if (state_->let_go) state_->let_go(*entry->answer);
    return;
  }
  Order& order = state_->order_of(*entry->answer);
  state_->make_room(order, bytes);
  const auto [place, added] = state_->index.insert(std::move(entry));
  order.push_front(**place);
  state_->bytes += bytes;
}

void AnswerCache::erase(const Key& key) noexcept {
  const auto found = state_->index.find(key);
  if (found != state_->index.end()) state_->erase(**found);
}

void AnswerCache::erase_if(const std::function<bool(const Key&, const Answer&)>& which) {
  for (Order* const order : {&state_->yes, &state_->no}) {
    for (auto each = order->begin(); each != order->end();) {
      Entry& entry = *each++;
      if (which(entry.key, *entry.answer)) state_->erase(entry);
    }
  }
}

void AnswerCache::clear() noexcept {
  while (!state_->yes.empty()) state_->erase(state_->yes.back());
  while (!state_->no.empty()) state_->erase(state_->no.back());
  state_->index = {};  // with its memory
}

std::size_t AnswerCache::size() const noexcept {
  return state_->index.size();
}

}  // namespace sidegate::inquiry
