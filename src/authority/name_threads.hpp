#pragma once

#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/result.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sidegate::authority {

using Addresses = std::vector<base::IpAddress>;

/// Gives the addresses of a name, and takes its time. Any thread.
using LookUp = std::function<base::OrMessage<Addresses>(const std::string& name)>;

/// Asks the system's resolver.
base::OrMessage<Addresses> look_up(const std::string& name);

/// Look-ups beside the loop. Each has a thread of its own, since nothing ends one that hangs: neither the loop nor
/// another look-up waits for it. Threads that are still busy when this is destroyed end by themselves.
///
/// Belongs to the thread of the loop.
class NameThreads {
 public:
  using Done = std::function<void(base::OrMessage<Addresses>)>;

  NameThreads(boost::asio::io_context& io, LookUp look_up);
  NameThreads(const NameThreads&) = delete;
  NameThreads& operator=(const NameThreads&) = delete;
  /// What is found afterwards is dropped.
  ~NameThreads();

  /// Calls `done` on the loop, later. It is destroyed on another thread where the answer is dropped.
  void start(const std::string& name, Done done);

 private:
  struct Mailbox;

  LookUp look_up_;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace sidegate::authority
