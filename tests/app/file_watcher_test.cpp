#include "file_watcher.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "folder.hpp"

namespace sidegate::app {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Longer than any wait here, on any machine.
constexpr std::chrono::seconds kPatience{20};

/// A watcher, and how often it has told of a change.
struct Watched {
  explicit Watched(boost::asio::io_context& io) : watcher(io, [this] { told(); }) {}

  void told() {
    ++changes;
    if (on_change) on_change();
  }

  int changes = 0;
  std::function<void()> on_change{};
  FileWatcher watcher;
};

class FileWatcherTest : public testing::Test {
 protected:
  /// Runs the loop until `condition` holds; whether it does.
  bool becomes(const std::function<bool()>& condition) {
    const auto deadline = steady_clock::now() + kPatience;
    while (!condition() && steady_clock::now() < deadline) io_.run_one_for(FileWatcher::kInterval);
    return condition();
  }
  /// Whether the loop has nothing more to do.
  bool runs_dry() {
    io_.run_for(kPatience);
    return io_.stopped();
  }

  boost::asio::io_context io_;
  Folder folder_;
};

TEST_F(FileWatcherTest, TellsOfEveryKindOfChangeOnce) {
  struct Case {
    std::string name;  ///< also of the file
    std::function<void(const std::string& file)> before;
    std::function<void(const std::string& file)> change;
    int expected = 1;
    std::function<void(const std::string& file)> once_told{};
  };
  const auto write = [](const std::string& file, std::string_view text) { std::ofstream(file) << text; };
  const auto plain = [&](const std::string& file) { write(file, "before"); };
  // As a Kubernetes volume is laid out: the file is a link into a folder that is itself reached through a link.
  const auto volume = [&](const std::string& file) {
    for (const std::string version : {".1", ".2"}) {
      std::filesystem::create_directory(file + version);
      write(file + version + "/key", "the same size");
    }
    std::filesystem::create_symlink(file + ".1", file + ".data");
    std::filesystem::create_symlink(file + ".data/key", file);
  };
  const std::vector<Case> cases{
      {"in place", plain, [&](const std::string& file) { write(file, "after that"); }},
      {"of the same size", plain,
       [&](const std::string& file) {
         const auto modified = std::filesystem::last_write_time(file);
         write(file, "behind");
         std::filesystem::last_write_time(file, modified + std::chrono::hours(1));
       }},
      {"renamed over", plain,
       [&](const std::string& file) {
         const auto modified = std::filesystem::last_write_time(file);
         write(file + ".new", "behind");
         std::filesystem::last_write_time(file + ".new", modified);
         std::filesystem::rename(file + ".new", file);
       }},
      {"link swapped", volume,
       [](const std::string& file) {
         std::filesystem::create_symlink(file + ".2", file + ".swap");
         std::filesystem::rename(file + ".swap", file + ".data");
       }},
      {"removed", plain, [](const std::string& file) { std::filesystem::remove(file); }},
      {"come", [](const std::string&) {}, plain},
      {"removed and back", plain, [](const std::string& file) { std::filesystem::remove(file); }, 2, plain},
      {"made older", plain,
       [](const std::string& file) {
         std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) - std::chrono::hours(1));
       }},
      {"unchanged", plain, [](const std::string&) {}, 0},
      {"read", plain, [](const std::string& file) { std::ifstream(file).get(); }, 0},
      {"never there", [](const std::string&) {}, [](const std::string&) {}, 0},
  };
  std::vector<std::unique_ptr<Watched>> watched;
  for (const auto& each : cases) {
    const auto file = folder_.file(each.name);
    each.before(file);
    watched.push_back(std::make_unique<Watched>(io_));
    auto& one = *watched.back();
    one.watcher.watch({file});
    one.on_change = [&each, &one, file] {
      if (one.changes == 1 && each.once_told) each.once_told(file);
    };
  }
  for (const auto& each : cases) each.change(folder_.file(each.name));
  EXPECT_TRUE(becomes([&] {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (watched[i]->changes < cases[i].expected) return false;
    }
    return true;
  }));
  io_.run_for(FileWatcher::kInterval);  // what is told of twice is told of at the next look
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(watched[i]->changes, cases[i].expected) << cases[i].name;
}

TEST_F(FileWatcherTest, AFileThatIsStillBeingWrittenIsLeftAlone) {
  const auto file = folder_.write("key", "");
  Watched one(io_);
  one.watcher.watch({file});
  // The writer is a timer of the same loop, so that it has its turn between any two looks.
  constexpr int kPieces = 7;
  int pieces = 0;
  boost::asio::steady_timer writer(io_);
  const std::function<void()> write_more = [&] {
    folder_.append("key", "piece");
    EXPECT_EQ(one.changes, 0) << pieces;
    if (++pieces == kPieces) return;
    writer.expires_after(FileWatcher::kInterval / 5);
    writer.async_wait([&](const boost::system::error_code&) { write_more(); });
  };
  write_more();
  EXPECT_TRUE(becomes([&] { return one.changes == 1; }));
  EXPECT_EQ(pieces, kPieces);
}

TEST_F(FileWatcherTest, TellsOfAChangeOnlyWhoDoesNotKnowOfIt) {
  const auto first = folder_.write("first", "before");
  const auto second = folder_.write("second", "before");
  Watched watches_on(io_);
  Watched watches_anew(io_);
  Watched reads(io_);
  for (auto* each : {&watches_on, &watches_anew, &reads}) each->watcher.watch({first});
  folder_.append("first", "changed");
  folder_.append("second", "changed");
  watches_on.watcher.watch({first, second});
  watches_anew.watcher.watch({});
  watches_anew.watcher.watch({first, second});
  reads.watcher.look_anew();
  EXPECT_TRUE(becomes([&] { return watches_on.changes == 1; }));
  EXPECT_THAT(watches_on.watcher.changed_files(), ElementsAre(first));
  EXPECT_THAT(reads.watcher.changed_files(), IsEmpty());
  folder_.append("first", "again");
  const auto changes = [&] { return std::vector{watches_on.changes, watches_anew.changes, reads.changes}; };
  EXPECT_TRUE(becomes([&] {
    return changes() == std::vector{2, 1, 1};
  })) << changes()[0]
      << ' ' << changes()[1] << ' ' << changes()[2];
}

TEST_F(FileWatcherTest, WhoeverIsToldMayWatchOtherFilesOrStop) {
  const auto first = folder_.write("first", "before");
  const auto second = folder_.write("second", "before");
  Watched one(io_);
  one.watcher.watch({first});
  one.on_change = [&] {
    one.watcher.look_anew();
    one.watcher.watch({second});
  };
  folder_.append("first", "changed");
  ASSERT_TRUE(becomes([&] { return one.changes == 1; }));
  EXPECT_THAT(one.watcher.changed_files(), ElementsAre(first));
  one.on_change = [&] { one.watcher.stop(); };
  folder_.append("first", "which nobody watches");
  folder_.append("second", "changed");
  EXPECT_TRUE(runs_dry());
  EXPECT_EQ(one.changes, 2);
  EXPECT_THAT(one.watcher.changed_files(), ElementsAre(second));
}

TEST_F(FileWatcherTest, LetsTheLoopRunDryOnceStopped) {
  const auto file = folder_.write("key", "before");
  Watched one(io_);
  one.watcher.watch({file});
  folder_.append("key", "changed");
  one.watcher.stop();
  EXPECT_TRUE(runs_dry());
  EXPECT_EQ(one.changes, 0);
}

TEST_F(FileWatcherTest, WithoutFilesThereIsNothingToWaitFor) {
  Watched one(io_);
  one.watcher.watch({});
  EXPECT_EQ(io_.run(), 0U);
  io_.restart();
  one.watcher.watch({folder_.write("key", "before")});
  one.watcher.watch({});
  EXPECT_TRUE(runs_dry());
  EXPECT_EQ(one.changes, 0);
}

TEST_F(FileWatcherTest, LooksAsOftenAsItIsAsked) {
  const auto file = folder_.write("file", "before");
  int changes = 0;
  FileWatcher watcher(
      io_, [&changes] { ++changes; }, std::chrono::milliseconds(10));
  watcher.watch({file});
  const auto begin = steady_clock::now();
  for (int i = 1; i <= 5; ++i) {
    folder_.append("file", "more");
    EXPECT_TRUE(becomes([&] { return changes == i; }));
  }
  EXPECT_LT(steady_clock::now() - begin, 5 * FileWatcher::kInterval);
}

}  // namespace
}  // namespace sidegate::app
