#pragma once

#include <sidegate/base/result.hpp>

#include <memory>
#include <string_view>

namespace sidegate::token {

/// Frees what OpenSSL made with the function of its own for that.
template <auto free_it>
struct OpenSslFree {
  template <class T>
  void operator()(T* made) const noexcept {
    free_it(made);
  }
};

template <class T, auto free_it>
using OpenSslPtr = std::unique_ptr<T, OpenSslFree<free_it>>;

inline const unsigned char* octets(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// `what` with OpenSSL's reason behind it. Empties the error queue of the thread: what is left there would be taken for
/// the error of somebody else's later call.
base::Message openssl_failure(std::string_view what);

}  // namespace sidegate::token
