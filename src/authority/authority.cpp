#include "key_source.hpp"
#include "options.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace sidegate::authority {

/// The loop and what runs on it. Whatever waits there ends by itself once its sources are stopped, and the loop with
/// it.
struct Authority::Core {
  using Source = std::shared_ptr<KeySource>;

  explicit Core(Options given)
      : options(std::move(given)), names(io, options.look_up), work(io.get_executor()), thread([this] { io.run(); }) {}

  Source find(const token::IssuerKeys* box) const {
    const auto has_it = [box](const Source& source) { return source->box() == box; };
    const auto found = std::find_if(sources.begin(), sources.end(), has_it);
    return found == sources.end() ? nullptr : *found;
  }

  void follow(const Issuers& issuers) {
    const auto before = std::exchange(sources, {});
    std::vector<Source> fresh;
    for (const auto& box : issuers) {
      const auto has_it = [&box](const Source& source) { return source->box() == box.get(); };
      const auto known = std::find_if(before.begin(), before.end(), has_it);
      if (known != before.end()) {
        sources.push_back(*known);
      } else {
        sources.push_back(fresh.emplace_back(std::make_shared<KeySource>(io, names, box, options.patience)));
      }
    }
    for (const auto& source : before) {
      if (!find(source->box())) source->stop();
    }
    for (const auto& source : fresh) source->begin();
  }

  void ask(const token::IssuerKeys* box, std::function<void()> done) {
    const auto source = find(box);
    source ? source->ask(std::move(done)) : done();
  }

  Options options;
  boost::asio::io_context io{1};
  NameThreads names;
  boost::asio::executor_work_guard<Executor> work;
  std::vector<Source> sources;
  std::thread thread;
};

Authority::Authority() : Authority(Options{}) {}

Authority::Authority(Options options) : core_(std::make_unique<Core>(std::move(options))) {}

Authority::~Authority() {
  boost::asio::post(core_->io, [core = core_.get()] {
    core->follow({});
    core->work.reset();
  });
  core_->thread.join();
}

void Authority::follow(Issuers issuers, Services /*services*/) {
  boost::asio::post(core_->io, [core = core_.get(), issuers = std::move(issuers)] { core->follow(issuers); });
}

void Authority::ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done) {
  boost::asio::post(core_->io, [core = core_.get(), issuer, done = std::move(done)] { core->ask(issuer.get(), done); });
}

void Authority::ask(inquiry::Question /*question*/, Answered done) {
  boost::asio::post(core_->io, [done = std::move(done)] { done(std::make_shared<inquiry::Answer>(), {}); });
}

void Authority::purge(Purge /*what*/, std::function<void(std::size_t)> done) {
  boost::asio::post(core_->io, [done = std::move(done)] { done(0); });
}

}  // namespace sidegate::authority
