#include <sidegate/revocation/revocations.hpp>

#include <utility>

#include "rule_file.hpp"

namespace sidegate::revocation {
namespace {

using base::Message;
using base::OrMessage;

void append(std::vector<Rule>& rules, const std::vector<Rule>& more) {
  rules.insert(rules.end(), more.begin(), more.end());
}

}  // namespace

std::shared_ptr<const RevocationList> Revocations::list() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

std::vector<Rule> Revocations::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

OrMessage<void> Revocations::follow(const std::string& file, base::UnixTime now) {
  const std::lock_guard lock(changing_);
  if (file == file_) return {};
  auto read = file.empty() ? OrMessage<std::optional<std::vector<Rule>>>{} : read_rules(file);
  if (!read) return Message{file + ": " + read.error().text};
  file_ = file;
  append(in_memory_, std::exchange(in_file_, read->value_or(std::vector<Rule>{})));
  publish(now);
  if (file.empty() || in_memory_.empty()) return {};
  return save(now);
}

OrMessage<bool> Revocations::read_again(base::UnixTime now) {
  const std::lock_guard lock(changing_);
  if (file_.empty()) return false;
  const bool had_rules = !in_file_.empty();
  const auto read = read_file();
  if (!read) return read.error();
  if (!*read && had_rules) return Message{file_ + ": it has gone"};
  return publish(now);
}

Revocations::Addition Revocations::add(const std::vector<Rule>& rules, base::UnixTime now) {
  using Result = Addition::Result;
  const std::lock_guard lock(changing_);
  auto all = this->rules();
  append(all, rules);
  tidy(all, now);
  if (all.size() > kRulesMax) return {Result::TooMany, {}};
  append(in_memory_, rules);
  // Whatever becomes of the file, they are refused from now on.
  publish(now);
  if (file_.empty()) return {};
  const auto saved = save(now);
  if (!saved) return {Result::InMemory, saved.error().text};
  return {};
}

OrMessage<void> Revocations::save(base::UnixTime now) {
  const auto lock = FileLock::take(file_);
  if (!lock) return lock.error();
  if (const auto read = read_file(); !read) return read.error();
  publish(now);
  if (auto written = write_rules(file_, rules_); !written) return Message{file_ + ": " + written.error().text};
  in_file_ = rules_;
  in_memory_.clear();
  return {};
}

OrMessage<bool> Revocations::read_file() {
  auto read = read_rules(file_);
  if (!read) return Message{file_ + ": " + read.error().text};
  // Nobody takes revocations back by losing a file: what it held stays, until another one says otherwise.
  if (!*read) return false;
  in_file_ = **std::move(read);
  return true;
}

bool Revocations::publish(base::UnixTime now) {
  tidy(in_memory_, now);
  auto rules = in_file_;
  append(rules, in_memory_);
  tidy(rules, now);
  if (rules == rules_) return false;
  auto list = std::make_shared<const RevocationList>(rules);
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  list_ = std::move(list);
  version_.fetch_add(1, std::memory_order_release);
  return true;
}

}  // namespace sidegate::revocation
