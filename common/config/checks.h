// What several roles' configurations have in common: lists of named peers, and rules on listeners.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::config {

// Another process, as a configuration lists it.
struct Peer {
  std::string name;
  runtime::Endpoint address;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("name", self.name, {.required = true, .name = true}, "its name, for people and for commands");
    visit("address", self.address, {.required = true}, "the listener to connect to");
  }
};

struct NamedListener {
  std::string_view key;  // of the configuration
  const runtime::Endpoint& endpoint;
};

// Every listener is on loopback unless remote ones are allowed, no two share an address (port 0 apart), and the path of
// a Unix socket fits into a socket address. A listener that is not set is passed over.
void check_listeners(std::initializer_list<NamedListener> listeners, bool allow_remote, Problems& problems);

// No two elements of the list `key` have one name.
void check_names_of(std::string_view key, const std::vector<std::string_view>& names, Problems& problems);
template <class Element>
void check_names(std::string_view key, const std::vector<Element>& list, Problems& problems) {
  std::vector<std::string_view> names;
  for (const Element& element : list) names.push_back(element.name);
  check_names_of(key, names, problems);
}

// Whether a configuration sets this address.
[[nodiscard]] inline bool is_set(const runtime::Endpoint& endpoint) { return endpoint != runtime::Endpoint{}; }
// "unix:DIRECTORY/NAME" as an endpoint.
[[nodiscard]] runtime::Endpoint unix_socket(std::string_view directory, std::string_view name);

}  // namespace aerodb::config
