#include <sidegate/authority/service_check.hpp>

#include "protocol.hpp"
#include "tls.hpp"

#include <sidegate/inquiry/service.hpp>

namespace sidegate::authority {
namespace {

using base::OrMessage;
using config::Diagnostics;
using inquiry::Service;

void check_tls(const config::ClientTls& tls, Diagnostics& diagnostics) {
  if (tls.ca) {
    const auto trusting = make_tls_context(tls.ca->secret);
    if (!trusting) diagnostics.error(tls.ca->where, trusting.error().text);
  }
  if (!tls.certificate || !tls.private_key) return;
  const auto context = make_tls_context(std::nullopt);
  if (!context) return diagnostics.error(tls.certificate->where, context.error().text);
  const auto shown = show_certificate(**context, tls.certificate->secret, tls.private_key->secret);
  if (!shown) diagnostics.error(tls.certificate->where, shown.error().text);
}

void check_service(const Service& service, Diagnostics& diagnostics) {
  const auto protocol = Protocol::create(service);
  if (!protocol) diagnostics.error(service.endpoint().where, protocol.error().text);
  check_tls(service.endpoint().tls, diagnostics);
}

}  // namespace

void check_services(const config::Config& config, Diagnostics& diagnostics) {
  inquiry::ServiceBoard board;
  for (const auto& service : board.keep(config)) check_service(*service, diagnostics);
}

}  // namespace sidegate::authority
