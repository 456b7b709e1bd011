#include "common/wire/codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::wire {
namespace codec {
namespace {

// Keys come from outside: in an error they are shortened, and shown without what a terminal would act upon.
std::string shown(std::string_view key) {
  constexpr size_t kShownBytes = 64;
  std::string text(key.substr(0, kShownBytes));
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  if (key.size() > kShownBytes) text += "...";
  return text;
}

}  // namespace

bool Failure::set(ErrorCode why, std::string text) {
  code = why;
  problem = std::move(text);
  return false;
}

bool Failure::wrong_type(std::string_view wanted, document::Cursor got) {
  return set(ErrorCode::kBadRequest, fmt::format("must be {}, is {}", wanted, document::type_name(got.type())));
}

bool Failure::out_of_range(std::string_view wanted) {
  return set(ErrorCode::kBadRequest, fmt::format("must be {}", wanted));
}

bool Failure::inside(std::string_view key) {
  const bool joined = path.empty() || path.front() == '[';
  path = shown(key) + (joined ? "" : ".") + path;
  return false;
}

bool Failure::inside(size_t index) {
  path = fmt::format("[{}]{}{}", index, path.empty() || path.front() == '[' ? "" : ".", path);
  return false;
}

Error Failure::error() && {
  if (path.empty()) return Error{code, "the parameter " + problem, {}};
  auto message = fmt::format("field {} {}", path, problem);
  return Error{code, std::move(message), {}}.with("field", path);
}

bool read_bool(document::Cursor in, bool& out, Failure& failure) {
  const auto value = in.boolean();
  if (!value) return failure.wrong_type("a boolean", in);
  out = *value;
  return true;
}

bool read_unsigned(document::Cursor in, uint64_t max, uint64_t& out, Failure& failure) {
  const auto value = in.unsigned_integer();
  if (!value) {
    if (in.type() == document::Type::kInt) return failure.out_of_range("an integer of at least 0");
    return failure.wrong_type("an integer", in);
  }
  if (*value > max) return failure.out_of_range(fmt::format("an integer of at most {}", max));
  out = *value;
  return true;
}

bool read_signed(document::Cursor in, int64_t min, int64_t max, int64_t& out, Failure& failure) {
  const auto value = in.integer();
  if (!value && in.type() != document::Type::kUint) return failure.wrong_type("an integer", in);
  if (!value || *value < min || *value > max) {
    return failure.out_of_range(fmt::format("an integer from {} to {}", min, max));
  }
  out = *value;
  return true;
}

bool read_double(document::Cursor in, double& out, Failure& failure) {
  if (const auto value = in.number()) {
    out = *value;
    return true;
  }
  // Languages with one kind of number write 2.0 as 2.
  const auto value = in.integer();
  constexpr auto kExact = static_cast<int64_t>(kMaxNumber);
  if (!value) return failure.wrong_type("a number", in);
  if (*value < -kExact || *value > kExact) return failure.out_of_range("a number that a float64 holds exactly");
  out = static_cast<double>(*value);
  return true;
}

bool read_text(document::Cursor in, std::string_view& out, Failure& failure) {
  const auto value = in.text();
  if (!value) return failure.wrong_type("a string", in);
  out = *value;
  return true;
}

bool read_bytes(document::Cursor in, ByteSpan& out, Failure& failure) {
  const auto value = in.bytes();
  if (!value) return failure.wrong_type("bin", in);
  out = *value;
  return true;
}

bool read_exact(document::Cursor in, std::span<uint8_t> out, Failure& failure) {
  const auto value = in.bytes();
  if (!value) return failure.wrong_type(fmt::format("bin of {} bytes", out.size()), in);
  if (value->size() != out.size()) {
    return failure.out_of_range(fmt::format("bin of {} bytes, has {}", out.size(), value->size()));
  }
  std::ranges::copy(*value, out.begin());
  return true;
}

}  // namespace codec

namespace {

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kReject:
      return "reject";
    case Severity::kError:
      return "error";
    case Severity::kFatal:
      return "fatal";
  }
  assert_failed("a severity without a name", __FILE__, __LINE__);
}

std::string_view text_of(document::Cursor map, std::string_view key) {
  const auto value = map.find(key);
  return value ? value->text().value_or("") : "";
}

}  // namespace

void encode_error(const Error& error, document::PackWriter& out) {
  const auto& row = error.row();
  out.map(5);
  out.field("code", row.name);
  out.field("message", std::string_view(error.message));
  out.field("severity", severity_name(row.severity));
  out.field("rule", row.rule);
  out.text("details");
  out.map(static_cast<uint32_t>(error.details.size()));
  for (const auto& detail : error.details) out.field(detail.key, std::string_view(detail.value));
}

Error decode_error(document::Cursor value) {
  if (value.type() != document::Type::kMap) {
    const auto text = value.text();
    return Error{ErrorCode::kInternal, std::string(text.value_or("the peer answered an error without a code")), {}};
  }
  const auto name = text_of(value, "code");
  const auto code = error_code_from_name(name);
  Error error{code.value_or(ErrorCode::kInternal), std::string(text_of(value, "message")), {}};
  if (const auto details = value.find("details"); details && details->type() == document::Type::kMap) {
    auto cursor = details->first();
    for (uint32_t i = 0; i < details->token().size; ++i) {
      const auto key = cursor.text();
      cursor = cursor.skip();
      if (key) error.with(*key, cursor.text().value_or(""));
      cursor = cursor.skip();
    }
  }
  if (!code) error.with("code", name);
  return error;
}

}  // namespace aerodb::wire
