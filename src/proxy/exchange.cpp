#include "exchange.hpp"

namespace sidegate::proxy {

void Exchange::reset() {
  request_parser.reset();
  head.known_method = http::Method::Other;
  head.version = http::Version::Http11;
  facts = {};
  target = {};
  scratch.inquiries.reset();
  decision = {};
  answers.clear();
  head_read = head_parsed = false;
  host_line.clear();
  added_lines.clear();
  request_body = {};
  request_trailers = request_done = upload_failed = replayable = retried = false;
  request_body_bytes = 0;
  to_origin.clear();
  response_parser.reset();
  response_facts = {};
  response_body = {};
  answer_began = response_head_read = response_started = response_chunked = response_trailers = answer_sent =
      keep_alive = false;
  answer.clear();
  to_client.clear();
  tunnel = upload_done = false;
  ends = base::SteadyTime::max();
  ends_with.reset();
  request_id = {};
  client_ip.clear();
  trace_id = {};
  answered.reset();
  answer_due = {};
  asked_server = nullptr;
  status = 0;
  bytes_in = bytes_out = 0;
  failure.reset();
  failure_answered = false;
}

}  // namespace sidegate::proxy
