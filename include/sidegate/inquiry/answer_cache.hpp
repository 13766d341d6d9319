#pragma once

#include <sidegate/inquiry/answer.hpp>
#include <sidegate/inquiry/question.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace sidegate::inquiry {

/// Keeps answers by their keys, a yes apart from a no: a flood of questions that are answered with no makes room among
/// its like only. What was not asked for longest goes first. Belongs to one thread.
class AnswerCache {
 public:
  using LetGo = std::function<void(const Answer&)>;

  /// At most `entries_max` of each sort, and `bytes_max` of both together, by `Answer::bytes` and what an entry takes
  /// itself. `let_go` is called with each answer that no longer stands here, but by the destructor.
  AnswerCache(std::size_t entries_max, std::size_t bytes_max, LetGo let_go = {});
  ~AnswerCache();
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;
  AnswerCache(AnswerCache&&) noexcept;
  AnswerCache& operator=(AnswerCache&&) noexcept;

  /// What is kept, fresh or not; null where nothing is, or it was withdrawn. Allocates nothing. Valid until the next
  /// call.
  const AnswerPtr* find(const Key& key) noexcept;

  /// Keeps it in the place of what was kept for the key. That nobody can tell is kept among the no.
  void keep(const Key& key, AnswerPtr answer);

  void erase(const Key& key) noexcept;
  /// Erases those for which `which` is true.
  void erase_if(const std::function<bool(const Key&, const Answer&)>& which);
  void clear() noexcept;

  std::size_t size() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::inquiry
