#include "readers.hpp"

#include <filesystem>

namespace sidegate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = kKiB * 1024;
/// What of a head is forwarded is a list of slices, at worst one for every other field, and a list has its limit.
constexpr std::uint64_t kFieldsMax = 200;
constexpr std::uint64_t kMemoryMax = std::uint64_t{1} << 50U;
constexpr milliseconds kShortest{1};
constexpr milliseconds kLongest = hours(24);

/// The name of a file, from the configuration's folder.
std::optional<std::string> read_file_name(const Cursor& cursor) {
  const auto text = cursor.text();
  if (!text) return std::nullopt;
  if (text->ends_with('/')) {
    cursor.error("expected a file, found a folder");
    return std::nullopt;
  }
  return (cursor.context().folder / *text).lexically_normal().string();
}

/// A stream's word as it is, or a file.
std::optional<std::string> read_sink(const Cursor& cursor, bool may_be_none) {
  auto text = cursor.text();
  if (!text || *text == "stdout" || *text == "stderr") return text;
  if (*text == "none") {
    if (may_be_none) return text;
    cursor.error("expected stderr, stdout or a file, found \"none\"; a higher level logs less");
    return std::nullopt;
  }
  return read_file_name(cursor);
}

}  // namespace

void read_startup_timeout(Block& top, Config& config) {
  if (const auto at = top.find("startup_timeout")) {
    assign(config.startup_timeout, at->duration(milliseconds(0), kLongest));
  }
}

void read_shutdown(Block& top, Config& config) {
  const auto cursor = top.find("shutdown");
  if (!cursor) return;
  Block block(*cursor);
  if (const auto at = block.find("grace")) assign(config.shutdown.grace, at->duration(milliseconds(0), kLongest));
  const auto timeout = block.find("timeout");
  if (timeout) assign(config.shutdown.timeout, timeout->duration(milliseconds(0), kLongest));
  block.finish();
  if (config.shutdown.timeout < config.shutdown.grace) {
    cursor->error("\"timeout\" ends all, counted from the same moment as \"grace\", so it cannot be shorter");
  }
}

void read_limits(Block& top, Config& config) {
  const auto cursor = top.find("limits");
  if (!cursor) return;
  Block block(*cursor);
  base::Limits& limits = config.limits;
  if (const auto at = block.find("head")) assign(limits.head_bytes_max, at->size(kKiB, kMiB));
  if (const auto at = block.find("headers")) assign(limits.fields_max, at->number(1, kFieldsMax));
  if (const auto at = block.find("target")) assign(limits.target_bytes_max, at->size(64, kMiB));
  if (const auto at = block.find("token")) assign(limits.token_bytes_max, at->size(64, kMiB));
  if (const auto at = block.find("head_timeout")) assign(limits.head_timeout, at->duration(kShortest, kLongest));
  if (const auto at = block.find("keep_alive")) assign(limits.keep_alive_timeout, at->duration(kShortest, kLongest));
  if (const auto at = block.find("idle")) assign(limits.idle_timeout, at->duration(kShortest, kLongest));
  if (const auto at = block.find("connections")) assign(limits.connections_max, at->number(1, 10'000'000));
  if (const auto at = block.find("memory")) {
    if (at->word() != "0") assign(limits.memory_bytes_max, at->size(kMiB, kMemoryMax));
    const bool too_little = limits.memory_bytes_max != 0 && limits.memory_bytes_max < 4 * limits.head_bytes_max;
    if (too_little) at->error("not one request could be served: this must be at least four times \"head\"");
  }
  block.finish();
}

void read_log(Block& top, Config& config) {
  const auto cursor = top.find("log");
  if (!cursor) return;
  Block block(*cursor);
  if (const auto at = block.find("level")) assign(config.log.level, at->one_of({"debug", "info", "warning", "error"}));
  if (const auto at = block.find("format")) assign(config.log.format, at->one_of({"json", "text"}));
  if (const auto at = block.find("path")) {
    config.log.where = at->where();
    assign(config.log.path, read_sink(*at, false));
  }
  block.finish();
}

void read_access_log(Block& top, Config& config) {
  const auto cursor = top.find("access_log");
  if (!cursor) return;
  Block block(*cursor);
  if (const auto at = block.find("path")) {
    config.access_log.where = at->where();
    assign(config.access_log.path, read_sink(*at, true));
  }
  if (const auto at = block.find("query")) assign(config.access_log.query, at->boolean());
  block.finish();
}

void read_revocations(Block& top, Config& config) {
  const auto cursor = top.find("revocations");
  if (!cursor) return;
  Block block(*cursor);
  if (const auto at = block.require("file", "the file that keeps them")) {
    config.revocations.where = at->where();
    assign(config.revocations.file, read_file_name(*at));
  }
  block.finish();
}

}  // namespace sidegate::config
