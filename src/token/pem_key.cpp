#include "pem_key.hpp"

#include "openssl_support.hpp"

#include <sidegate/token/check_list.hpp>

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

using base::Message;
using base::OrMessage;
using Key = std::shared_ptr<EVP_PKEY>;

enum class Content : std::uint8_t { PublicKey, RsaPublicKey, Certificate, PrivateKey, EncryptedKey, Parameters, Other };

Content content_of(std::string_view name, bool is_encrypted) noexcept {
  if (name == PEM_STRING_PUBLIC) return Content::PublicKey;
  if (name == PEM_STRING_RSA_PUBLIC) return Content::RsaPublicKey;
  if (name == PEM_STRING_X509 || name == PEM_STRING_X509_OLD) return Content::Certificate;
  if (name == PEM_STRING_ECPARAMETERS) return Content::Parameters;
  if (name == PEM_STRING_PKCS8 || is_encrypted) return Content::EncryptedKey;
  if (name.ends_with(PEM_STRING_PKCS8INF)) return Content::PrivateKey;
  return Content::Other;
}

/// The bytes of a block are wiped, since they may be a private key.
struct Wipe {
  std::size_t size = 0;
  void operator()(unsigned char* bytes) const noexcept { OPENSSL_clear_free(bytes, size); }
};

struct Block {
  std::string name;
  Content content;
  std::unique_ptr<unsigned char, Wipe> bytes;
};

/// A text of OpenSSL's as ours.
std::string taken(char* text) {
  std::string copy(text);
  OPENSSL_free(text);
  return copy;
}

OrMessage<std::vector<Block>> read_blocks(std::string_view text) {
  const OpenSslPtr<BIO, &BIO_free> in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!in) return openssl_failure("it cannot be read");
  std::vector<Block> blocks;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  while (PEM_read_bio(in.get(), &name, &header, &bytes, &size) == 1) {
    std::unique_ptr<unsigned char, Wipe> owned(bytes, Wipe{static_cast<std::size_t>(size)});
    const std::string encryption = taken(header);
    std::string called = taken(name);
    const Content content = content_of(called, !encryption.empty());
    if (content != Content::Parameters) blocks.push_back({std::move(called), content, std::move(owned)});
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return Message{"it is not well-formed PEM"};
  if (blocks.empty()) return Message{"it holds no PEM block"};
  return blocks;
}

Key owned(EVP_PKEY* key) {
  return {key, &EVP_PKEY_free};
}

EVP_PKEY* decode_rsa_public(const unsigned char** bytes, std::size_t size) {
  EVP_PKEY* key = nullptr;
  const OpenSslPtr<OSSL_DECODER_CTX, &OSSL_DECODER_CTX_free> decoder(
      OSSL_DECODER_CTX_new_for_pkey(&key, "DER", "type-specific", "RSA", EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  if (decoder) OSSL_DECODER_from_data(decoder.get(), bytes, &size);
  return key;
}

EVP_PKEY* decode_certificate(const unsigned char** bytes, long size) {
  const OpenSslPtr<X509, &X509_free> certificate(d2i_X509(nullptr, bytes, size));
  return certificate ? X509_get_pubkey(certificate.get()) : nullptr;
}

/// The key in a block of a kind that has one, and nothing behind it.
OrMessage<Key> decode(const Block& block) {
  const auto size = static_cast<long>(block.bytes.get_deleter().size);
  const unsigned char* next = block.bytes.get();
  Key key;
  switch (block.content) {
    case Content::PublicKey:
      key = owned(d2i_PUBKEY(nullptr, &next, size));
      break;
    case Content::RsaPublicKey:
      key = owned(decode_rsa_public(&next, static_cast<std::size_t>(size)));
      break;
    case Content::Certificate:
      key = owned(decode_certificate(&next, size));
      break;
    case Content::PrivateKey:
      key = owned(d2i_AutoPrivateKey(nullptr, &next, size));
      break;
    case Content::EncryptedKey:
      return Message{"the private key is encrypted; nobody is asked for a passphrase"};
    case Content::Parameters:
    case Content::Other:
      return Message{"a block " + in_quotes(block.name) + " holds no key that can be used"};
  }
  const bool is_whole = key && next == block.bytes.get() + size;
  if (!is_whole) return openssl_failure("the block " + in_quotes(block.name) + " holds no key that can be read");
  ERR_clear_error();  // the decoders that were tried before the one that could read it have left their errors
  return {boost::system::in_place_value, std::move(key)};
}

bool is_private(const Block& block) noexcept {
  return block.content == Content::PrivateKey || block.content == Content::EncryptedKey;
}

/// The one block with the key. Behind a certificate there may be those that vouch for it.
OrMessage<const Block*> find_key_block(const std::vector<Block>& blocks) {
  const Block& first = blocks.front();
  for (const Block& block : blocks) {
    const bool vouches = first.content == Content::Certificate && block.content == Content::Certificate;
    if (&block != &first && !vouches) return Message{"it holds several keys; each needs a file of its own"};
  }
  return &first;
}

}  // namespace

OrMessage<PublicKey> read_public_pem(std::string_view text, PrivateHalf private_half) {
  const auto blocks = read_blocks(text);
  if (!blocks) return blocks.error();
  for (const Block& block : *blocks) {
    if (private_half == PrivateHalf::Refused && is_private(block)) {
      return Message{
          "it holds a private key; only the public one is needed to verify, and only the issuer may have the other. "
          "`openssl pkey -in FILE -pubout` writes it"};
    }
  }
  const auto block = find_key_block(*blocks);
  if (!block) return block.error();
  auto key = decode(**block);
  if (!key) return key.error();
  return PublicKey::create(**key);
}

OrMessage<PrivateKey> read_private_pem(std::string_view text) {
  const auto blocks = read_blocks(text);
  if (!blocks) return blocks.error();
  const auto block = find_key_block(*blocks);
  if (!block) return block.error();
  if (!is_private(**block)) return Message{"it holds a public key, which cannot sign; the private one is needed"};
  auto key = decode(**block);
  if (!key) return key.error();
  return PrivateKey::create(std::move(*key));
}

}  // namespace sidegate::token
