#include "common/uv/http/parameters.h"

#include <fmt/format.h>

namespace aerodb::http {
namespace {

std::optional<uint64_t> parse_number(std::string_view text, uint64_t max) {
  const auto number = from_decimal(text);
  return number && *number <= max && text == std::to_string(*number) ? number : std::nullopt;
}

}  // namespace

std::unexpected<Error> parameter_error(ErrorCode code, std::string_view name, std::string_view what) {
  return fail(Error{code, fmt::format("parameter {} {}", name, what), {}}.with("parameter", name));
}

Result<void> read_parameter(std::string_view name, const std::string& value, std::string& into) {
  if (value.empty()) return parameter_error(ErrorCode::kBadRequest, name, "is empty");
  if (!is_utf8(value)) return parameter_error(ErrorCode::kBadRequest, name, "is not UTF-8");
  into = value;
  return {};
}

Result<void> read_parameter(std::string_view name, const std::string& value, uint64_t& into) {
  const auto number = parse_number(value, kMaxNumber);
  if (!number) {
    return parameter_error(ErrorCode::kBadRequest, name, "is not a decimal number from 0 to 9007199254740991");
  }
  into = *number;
  return {};
}

Result<void> read_parameter(std::string_view name, const std::string& value, uint32_t& into) {
  const auto number = parse_number(value, kMaxLimit);
  if (!number || *number == 0) {
    return parameter_error(ErrorCode::kBadRequest, name,
                           fmt::format("is not a decimal number from 1 to {}", kMaxLimit));
  }
  into = static_cast<uint32_t>(*number);
  return {};
}

}  // namespace aerodb::http
