#include "tests/unit/wire/protocol_tables.h"

#include <fmt/format.h>

#include <optional>

#include "common/wire/methods.h"
#include "tests/unit/wire/field_tables.h"

namespace aerodb::wire::testing {

std::string protocol_tables() {
  Structures structures;
  std::string listeners;
  std::optional<ListenerKind> last;
  for_each_method([&]<class Request, class Response>(const Method<Request, Response>& method) {
    if (last != method.listener) listeners += fmt::format("## Listener `{}`\n\n", listener_name(method.listener));
    last = method.listener;
    listeners += fmt::format("### `{}`: {}\n\n", method.name, method.help);
    listeners += field_table<Request>(structures, "request");
    listeners += field_table<Response>(structures, "response");
  });
  return "## Structures\n\nMaps that stand as a value inside requests and responses.\n\n" + structures.text + listeners;
}

}  // namespace aerodb::wire::testing
