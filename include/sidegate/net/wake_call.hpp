#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace sidegate::net {

/// The wait of one coroutine, ended by another on the same thread: it goes on at once, within the call, up to its next
/// wait. Neither the kernel nor the event loop has a part in it, and nothing is allocated.
class WakeCall {
 public:
  WakeCall() = default;
  WakeCall(const WakeCall&) = delete;
  WakeCall& operator=(const WakeCall&) = delete;
  ~WakeCall() { take(); }

  /// To be awaited by one at a time. Whoever still waits when this is destroyed is destroyed with it.
  auto wait() noexcept {
    return boost::asio::async_initiate<const boost::asio::deferred_t&, void()>(
        [this](auto handler) { sleeper_ = new (room_.data()) SleeperWith<decltype(handler)>(std::move(handler)); },
        boost::asio::deferred);
  }

  /// Nothing happens where nobody waits.
  void ring() {
    if (sleeper_ != nullptr) sleeper_->wake(*this);
  }

 private:
  class Sleeper {
   public:
    virtual ~Sleeper() = default;
    virtual void wake(WakeCall& call) = 0;
  };

  template <class Handler>
  class SleeperWith final : public Sleeper {
   public:
    explicit SleeperWith(Handler handler) : handler_(std::move(handler)) {
      static_assert(sizeof(SleeperWith) <= kRoomBytes && alignof(SleeperWith) <= alignof(std::max_align_t));
    }
    void wake(WakeCall& call) override {
      // It may wait again before the call returns.
      Handler handler = std::move(handler_);
      call.take();
      std::move(handler)();
    }

   private:
    Handler handler_;
  };

  static constexpr std::size_t kRoomBytes = 64;

  void take() noexcept {
    if (Sleeper* const sleeper = std::exchange(sleeper_, nullptr)) std::destroy_at(sleeper);
  }

  Sleeper* sleeper_ = nullptr;
  alignas(std::max_align_t) std::array<std::byte, kRoomBytes> room_;
};

}  // namespace sidegate::net
