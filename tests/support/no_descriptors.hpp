#pragma once

#include <sys/resource.h>

namespace sidegate::support {

/// While it lives this process opens no more descriptors; those that it has stay open.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    // Not none at all: poll(2) refuses to watch more descriptors than may be open.
    const rlimit one{1, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &one);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace sidegate::support
