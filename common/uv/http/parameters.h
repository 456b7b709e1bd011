// Query parameters as a struct whose static fields() names each once, with its type and its meaning:
//
//   struct Parameters {
//     std::optional<CommitId> at_commit;
//     std::optional<uint32_t> limit;
//     template <class Self, class Visit> static void fields(Self& self, Visit&& visit) {
//       visit("at_commit", self.at_commit, "commit of the read");
//       visit("limit", self.limit, "at most so many entries");
//     }
//   };
//
// A text is UTF-8 and not empty; a number is decimal digits from 0 to 2^53 - 1, without sign or leading zero; an id is
// 32 lower-case hex digits; the only uint32_t is `limit`. Each is given once at most.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/uv/http/http_types.h"

namespace aerodb::http {

inline constexpr uint32_t kMaxLimit = 1000;
inline constexpr uint32_t kDefaultLimit = 100;

// A parameter of a route.
struct ParameterUse {
  std::string_view name;
  bool required = false;
};

// BAD_REQUEST for a parameter whose value is not of its type.
[[nodiscard]] std::unexpected<Error> parameter_error(ErrorCode code, std::string_view name, std::string_view what);

// BAD_REQUEST, naming the parameter.
[[nodiscard]] Result<void> read_parameter(std::string_view name, const std::string& value, std::string& into);
[[nodiscard]] Result<void> read_parameter(std::string_view name, const std::string& value, uint64_t& into);
[[nodiscard]] Result<void> read_parameter(std::string_view name, const std::string& value, uint32_t& into);
template <class Tag>
[[nodiscard]] Result<void> read_parameter(std::string_view name, const std::string& value, Number<Tag>& into) {
  uint64_t number = 0;
  if (auto done = read_parameter(name, value, number); !done) return done;
  into = Number<Tag>(number);
  return {};
}
template <class Tag>
[[nodiscard]] Result<void> read_parameter(std::string_view name, const std::string& value, Id128<Tag>& into) {
  const auto id = id_from_hex<Id128<Tag>>(value);
  if (!id || to_hex(*id) != value) {
    return parameter_error(ErrorCode::kBadRequest, name, "is not 32 lower-case hex digits");
  }
  into = *id;
  return {};
}

// UNKNOWN_FIELD, MISSING_FIELD, BAD_REQUEST, each naming the parameter. `limit` is always set afterwards.
template <class Parameters>
[[nodiscard]] Result<Parameters> parse_parameters(const HttpRequest& request, std::span<const ParameterUse> uses) {
  Parameters parameters;
  for (const auto& [given, value] : request.query) {
    if (std::ranges::find(uses, given, &ParameterUse::name) == uses.end()) {
      return parameter_error(ErrorCode::kUnknownField, given, "is none of this route");
    }
    Result<void> taken;
    Parameters::fields(parameters, [&](std::string_view name, auto& member, std::string_view) {
      if (name != given) return;
      taken = member ? parameter_error(ErrorCode::kBadRequest, name, "is given twice")
                     : read_parameter(name, value, member.emplace());
    });
    if (!taken) return fail(std::move(taken.error()));
  }
  for (const auto& use : uses) {
    bool missing = false;
    Parameters::fields(parameters, [&](std::string_view name, const auto& member, std::string_view) {
      if (name == use.name) missing = use.required && !member;
    });
    if (missing) return parameter_error(ErrorCode::kMissingField, use.name, "is missing");
  }
  if (!parameters.limit) parameters.limit = kDefaultLimit;
  return parameters;
}

}  // namespace aerodb::http
