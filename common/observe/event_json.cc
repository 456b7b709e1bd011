#include "common/observe/event_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace aerodb::observe {
namespace {

using Json = nlohmann::ordered_json;

// Strings may come from a peer: bounded here, whatever it sent.
Json value_of(const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    return text->size() <= kMaxEventTextBytes ? *text : text->substr(0, kMaxEventTextBytes) + "...";
  }
  return std::visit([](const auto& value) { return Json(value); }, field.value);
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A string as it is, anything else as JSON.
std::string pair_text(const std::string& key, const Json& value) {
  return fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : dump(value));
}

}  // namespace

RenderedEvent render_event(uint64_t number, uint64_t wall_us, std::string_view name,
                           std::initializer_list<LogField> fields) {
  Json values = Json::object();
  for (const LogField& field : fields) values[std::string(field.key)] = value_of(field);
  Json line;
  line["number"] = number;
  line["wall_us"] = wall_us;
  line["event"] = name;
  line["fields"] = std::move(values);
  RenderedEvent rendered{{}, dump(line)};
  // Through the reader, so that what is shown now equals what is shown after a restart.
  rendered.event = parse_event(rendered.line).value_or(Event{number, wall_us, std::string(name), {}});
  rendered.line += '\n';
  return rendered;
}

std::optional<Event> parse_event(std::string_view line) {
  if (line.size() > kMaxEventLineBytes) return std::nullopt;
  Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  auto number = json.find("number");
  auto wall_us = json.find("wall_us");
  auto name = json.find("event");
  auto fields = json.find("fields");
  if (number == json.end() || !number->is_number_unsigned() || wall_us == json.end() ||
      !wall_us->is_number_unsigned() || name == json.end() || !name->is_string() || fields == json.end() ||
      !fields->is_object()) {
    return std::nullopt;
  }
  Event event{number->get<uint64_t>(), wall_us->get<uint64_t>(), name->get<std::string>(), {}};
  for (const auto& [key, value] : fields->items()) event.fields.push_back(pair_text(key, value));
  return event;
}

}  // namespace aerodb::observe
