#include "desk.hpp"
#include "key_source.hpp"
#include "known_hosts.hpp"
#include "options.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/unordered/unordered_map.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace sidegate::authority {

/// The loop and what runs on it. Whatever waits there ends by itself once its sources are stopped, and the loop with
/// it.
struct Authority::Core {
  using Source = std::shared_ptr<KeySource>;

  explicit Core(Options given)
      : options(std::move(given)), hosts(io, options.look_up), work(io.get_executor()), thread([this] { io.run(); }) {}

  Source find(const token::IssuerKeys* box) const {
    const auto has_it = [box](const Source& source) { return source->box() == box; };
    const auto found = std::find_if(sources.begin(), sources.end(), has_it);
    return found == sources.end() ? nullptr : *found;
  }

  void follow(const Issuers& issuers, const Services& services) {
    follow(issuers);
    follow(services);
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
        sources.push_back(fresh.emplace_back(std::make_shared<KeySource>(io, hosts, box, options.patience)));
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

  void follow(const Services& services) {
    for (const auto& service : services) desk_of(service).follow(true);
    for (const auto& [service, desk] : desks) {
      const auto is_it = [known = service](const auto& named) { return named.get() == known; };
      if (std::none_of(services.begin(), services.end(), is_it)) desk->follow(false);
    }
    drop_unused_desks();
  }

  Desk& desk_of(const std::shared_ptr<inquiry::Service>& service) {
    auto& desk = desks[service.get()];
    if (!desk) {
      // It is not dropped where it stands.
      const auto over = [this] { boost::asio::post(io, [this] { drop_unused_desks(); }); };
      desk = std::make_shared<Desk>(io, hosts, service, options.idle_connections, over);
    }
    return *desk;
  }

  void drop_unused_desks() {
    boost::unordered::erase_if(desks,
                               [](const auto& each) { return !each.second->is_followed() && each.second->is_idle(); });
  }

  void ask(inquiry::Question question, Answered done) {
    const auto service = question.service;
    desk_of(service).ask(std::move(question), std::move(done));
    if (!desk_of(service).is_followed()) drop_unused_desks();
  }

  std::size_t purge(const Purge& what) {
    const auto token = what.token ? digest.of(what.token->reveal()) : std::nullopt;
    std::size_t count = 0;
    for (const auto& [service, desk] : desks) count += desk->purge(what, token);
    return count;
  }

  void stop() {
    follow(Issuers{});
    for (const auto& [service, desk] : desks) desk->stop();
    work.reset();
  }

  Options options;
  boost::asio::io_context io{1};
  KnownHosts hosts;
  boost::asio::executor_work_guard<Executor> work;
  std::vector<Source> sources;
  boost::unordered_map<const inquiry::Service*, std::shared_ptr<Desk>> desks;
  token::TokenDigest digest;
  std::thread thread;
};

Authority::Authority() : Authority(Options{}) {}

Authority::Authority(Options options) : core_(std::make_unique<Core>(std::move(options))) {}

Authority::~Authority() {
  boost::asio::post(core_->io, [core = core_.get()] { core->stop(); });
  core_->thread.join();
}

void Authority::follow(Issuers issuers, Services services) {
  boost::asio::post(core_->io, [core = core_.get(), issuers = std::move(issuers), services = std::move(services)] {
    core->follow(issuers, services);
  });
}

void Authority::ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done) {
  boost::asio::post(core_->io, [core = core_.get(), issuer, done = std::move(done)] { core->ask(issuer.get(), done); });
}

void Authority::ask(inquiry::Question question, Answered done) {
  boost::asio::post(core_->io, [core = core_.get(), question = std::move(question), done = std::move(done)]() mutable {
    core->ask(std::move(question), std::move(done));
  });
}

void Authority::purge(Purge what, std::function<void(std::size_t)> done) {
  boost::asio::post(core_->io,
                    [core = core_.get(), what = std::move(what), done = std::move(done)] { done(core->purge(what)); });
}

}  // namespace sidegate::authority
