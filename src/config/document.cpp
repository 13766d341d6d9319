#include "document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string_view>
#include <utility>

namespace sidegate::config {
namespace {

constexpr std::string_view kNoAliases = "aliases (*name) are not allowed; quote a text that begins with \"*\"";

/// Thrown through the parser to stop it; what is wrong has been reported.
struct Stop {};

/// Builds the tree from the parser's events. YAML::Node is not used: it hides duplicate keys, follows aliases and loses
/// the place of what is missing.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(begin(mark, Node::Kind::Nothing, std::string(), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.error(location(mark), std::string(kNoAliases));
    add(begin(mark, Node::Kind::Broken, std::string(), 0));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = begin(mark, Node::Kind::Text, tag, anchor);
    node.text = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(begin(mark, Node::Kind::List, tag, anchor));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(begin(mark, Node::Kind::Map, tag, anchor));
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }

 private:
  static Location location(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1, {}}; }

  Node begin(const YAML::Mark& mark, Node::Kind kind, const std::string& tag, YAML::anchor_t anchor) {
    if (++count_ > kDocumentNodesMax) {
      diagnostics_.error(location(mark), fmt::format("there are more than {} values", kDocumentNodesMax));
      throw Stop();
    }
    if (anchor != 0) diagnostics_.error(location(mark), "anchors (&name) are not allowed");
    // The parser itself gives "?" to what is plain and "!" to what is quoted.
    if (!tag.empty() && tag != "?" && tag != "!") diagnostics_.error(location(mark), "tags (!name) are not allowed");
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back();
    const bool is_value = parent.kind == Node::Kind::Map && parent.items.size() % 2 == 1;
    if (is_value && node.kind == Node::Kind::Nothing) {
      // The parser puts an absent value at the token after it, often lines further down.
      node.line = parent.items.back().line;
      node.column = parent.items.back().column;
    }
    parent.items.push_back(std::move(node));
  }

  Diagnostics& diagnostics_;
  std::vector<Node> open_;
  Node root_;
  std::size_t count_ = 0;
};

/// Whether the 0-based `line` of `text` is indented with a tab: the parser stumbles over it in many ways.
bool has_tab_indentation(std::string_view text, int line) {
  for (; line > 0; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  const std::string_view blanks = text.substr(0, text.find_first_not_of(" \t"));
  return blanks.find('\t') != std::string_view::npos;
}

/// The parser's words, and beside the obscure ones what is usually meant.
std::string explain(const YAML::Exception& error, const std::string& text) {
  const auto is = [&error](std::string_view message) { return error.msg == message; };
  if (is(YAML::ErrorMsg::UNKNOWN_ANCHOR) || is(YAML::ErrorMsg::CHAR_IN_ALIAS) || is(YAML::ErrorMsg::ALIAS_NOT_FOUND)) {
    return std::string(kNoAliases);
  }
  std::string_view hint;
  if (has_tab_indentation(text, error.mark.line)) {
    hint = "; this line begins with a tab, and YAML is indented with spaces";
  } else if (is(YAML::ErrorMsg::UNKNOWN_TOKEN)) {
    hint = "; quote a text that begins with %, @ or `";
  } else if (is(YAML::ErrorMsg::MAP_VALUE)) {
    hint = "; quote a text that holds \": \", and look at the indentation and at the \"- \" of lists";
  } else if (is(YAML::ErrorMsg::END_OF_MAP) || is(YAML::ErrorMsg::END_OF_SEQ)) {
    hint = "; look at the indentation, and quote a text that begins with \"[\" or \"{\"";
  } else if (is(YAML::ErrorMsg::END_OF_MAP_FLOW) || is(YAML::ErrorMsg::END_OF_SEQ_FLOW)) {
    hint = "; a \"{\" or \"[\" is not closed, or a text that begins with \"[\" is not quoted";
  } else if (is(YAML::ErrorMsg::DOC_IN_SCALAR) || is(YAML::ErrorMsg::EOF_IN_SCALAR)) {
    hint = "; a quote is not closed";
  }
  return fmt::format("this is not valid YAML: {}{}", error.msg, hint);
}

}  // namespace

std::optional<Node> parse_document(const std::string& text, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.entries().size();
  if (text.size() > kDocumentBytesMax) {
    diagnostics.error({}, fmt::format("the file is larger than {} bytes", kDocumentBytesMax));
    return std::nullopt;
  }
  TreeBuilder tree(diagnostics);
  try {
    // The parser takes a quote that is still open at the end of a text for closed: half of a file would be read as a
    // whole one. At the end of a document it does not.
    std::istringstream stream(text + "\n...\n");
    YAML::Parser parser(stream);
    parser.HandleNextDocument(tree);
    TreeBuilder second(diagnostics);
    if (parser.HandleNextDocument(second)) {
      const Node rest = second.take();
      diagnostics.error({rest.line, rest.column, {}}, "a second YAML document begins here; only one is read");
    }
  } catch (const YAML::Exception& error) {
    Location where;
    if (!error.mark.is_null()) where = {error.mark.line + 1, error.mark.column + 1, {}};
    diagnostics.error(where, explain(error, text));
  } catch (const Stop&) {
    return std::nullopt;
  }
  if (diagnostics.entries().size() != before) return std::nullopt;
  auto document = tree.take();
  if (document.kind == Node::Kind::Nothing) {
    diagnostics.error({}, "the file is empty; it needs at least version, listeners, upstreams and routes");
    return std::nullopt;
  }
  return document;
}

}  // namespace sidegate::config
