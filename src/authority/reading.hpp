#pragma once

#include "answer_reader.hpp"

#include <sidegate/base/clock.hpp>
#include <sidegate/base/reason.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/inquiry/answer.hpp>

#include <sidegate/token/claims.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::authority {

/// What somebody has said, a yes or a no, without how long it may be used; or why nobody can tell what it means, in
/// words that show nothing of it.
using Reading = base::OrMessage<std::shared_ptr<inquiry::Answer>>;

/// A no, and why.
std::shared_ptr<inquiry::Answer> no(base::Reason reason);

/// A yes about `subject`. It says how much memory it takes.
std::shared_ptr<inquiry::Answer> yes(std::string subject, boost::json::object claims);

/// The same about a token that holds then; a no where that is not now.
std::shared_ptr<inquiry::Answer> yes_between(token::Validity validity, base::UnixTime now, std::string subject,
                                             boost::json::object claims);

/// Puts into `subject` whom the first of the members `names` that is there names; false where it names nobody.
bool read_subject(const boost::json::object& claims, const std::vector<std::string>& names, std::string& subject);

/// `answered 500`, or what else makes an answer one that is not to be read: it is compressed.
base::Message unexpected(const HttpAnswer& answer);

/// A moment that is a NumericDate, or a text of RFC 3339; nothing for anything else.
std::optional<base::UnixTime> read_moment(const boost::json::value& value);

/// The `exp` of a token that has the form of a JWT; nothing where it says nothing that can be read.
std::optional<base::UnixTime> own_expiry(std::string_view token);

}  // namespace sidegate::authority
